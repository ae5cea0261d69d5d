"""Detection by hand: anchors, IoU, matching, focal loss, non-maximum suppression, average precision."""
import torch
from torch import nn
import torch.nn.functional as F


def iou(a, b):
    lt = torch.max(a[:, None, :2], b[:, :2])
    rb = torch.min(a[:, None, 2:], b[:, 2:])
    inter = (rb - lt).clamp(min=0).prod(dim=2)
    area = lambda x: (x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1])
    return inter / (area(a)[:, None] + area(b) - inter)


def make_anchors(size, stride, scales):
    c = (torch.arange(size) + 0.5) * stride
    cy, cx = torch.meshgrid(c, c, indexing='ij')
    centers = torch.stack((cx, cy), dim=-1).reshape(-1, 1, 2)
    half = torch.tensor(scales).view(1, -1, 1) / 2
    return torch.cat((centers - half, centers + half), dim=-1).reshape(-1, 4)


def to_center(b):
    return torch.cat([(b[..., :2] + b[..., 2:]) / 2, b[..., 2:] - b[..., :2]], -1)


def encode(boxes, anchors):
    g, a = to_center(boxes), to_center(anchors)
    return torch.cat([(g[:, :2] - a[:, :2]) / a[:, 2:], torch.log(g[:, 2:] / a[:, 2:])], dim=1)


def decode(deltas, anchors):
    a = to_center(anchors)
    center, size = deltas[:, :2] * a[:, 2:] + a[:, :2], deltas[:, 2:].exp() * a[:, 2:]
    return torch.cat((center - size / 2, center + size / 2), 1)


def nms(boxes, scores, threshold=0.5):
    order, keep = scores.argsort(descending=True), []
    while order.numel() > 0:
        i = order[0]
        keep.append(i.item())
        if order.numel() == 1:
            break
        rest = order[1:]
        order = rest[iou(boxes[i].unsqueeze(0), boxes[rest])[0] <= threshold]
    return torch.tensor(keep, dtype=torch.long)


def focal_loss(logits, targets, alpha=0.25, gamma=2):
    p = torch.sigmoid(logits)
    ce = F.binary_cross_entropy_with_logits(logits, targets, reduction='none')
    p_t = p * targets + (1 - p) * (1 - targets)
    return ((alpha * targets + (1 - alpha) * (1 - targets)) * ce * (1 - p_t) ** gamma).sum()


class Detector(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU6(), nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU6())
        self.cls, self.reg = nn.Conv2d(8, k, 3, padding=1), nn.Conv2d(8, 4 * k, 3, padding=1)
        nn.init.constant_(self.cls.bias, -2.0)

    def forward(self, x):
        f = self.body(x)
        return self.cls(f).permute(0, 2, 3, 1).flatten(1), self.reg(f).permute(0, 2, 3, 1).reshape(x.size(0), -1, 4)


def main(seed):
    torch.manual_seed(seed)
    corner = torch.randint(0, 9, (6, 2)).float()
    boxes = torch.cat([corner, corner + torch.randint(4, 8, (6, 2))], dim=1)
    images = torch.zeros(6, 1, 16, 16)
    for i, (x1, y1, x2, y2) in enumerate(boxes.long().tolist()):
        images[i, 0, y1:y2, x1:x2] = 1
    anchors = make_anchors(4, 4, [4.0, 7.0])
    overlap = iou(boxes, anchors)
    best, best_idx = overlap.max(dim=1)
    print(anchors.shape, best, best_idx.tolist())
    positive = overlap > 0.4
    positive[torch.arange(6), best_idx] = True
    targets = torch.stack([encode(b.expand_as(anchors), anchors) for b in boxes])
    print(positive.sum(1).tolist(), targets[positive].abs().max())
    net = Detector(2)
    opt = torch.optim.AdamW(net.parameters(), lr=0.01)
    for step in range(12):
        cls, reg = net(images)
        n = positive.sum()
        loss_cls = focal_loss(cls, positive.float()) / n
        loss_reg = F.smooth_l1_loss(reg[positive], targets[positive], reduction='sum', beta=1 / 9) / n
        opt.zero_grad(set_to_none=True)
        (loss_cls + loss_reg).backward()
        opt.step()
        if step % 4 == 3:
            print(f'{step + 1} cls {loss_cls:.4f} reg {loss_reg:.4f}')
    with torch.no_grad():
        cls, reg = net(images)
    kept = []
    for i in range(6):
        pred = decode(reg[i], anchors).clamp_(0, 16)
        keep = nms(pred, cls[i])
        kept.append(len(keep))
        if i == 0:
            print(keep[:3].tolist(), pred[keep[0]])
    print(kept)
    scores, hit = torch.rand(10), torch.rand(10) > 0.4
    order = torch.argsort(scores, dim=0, descending=True)
    tp = hit[order].cumsum(0)
    precision, recall = tp / torch.arange(1, 11), tp / hit.sum()
    envelope = precision.flip(0).cummax(0).values.flip(0)
    print((torch.diff(recall, prepend=torch.zeros(1)) * envelope).sum())
