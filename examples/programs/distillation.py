"""Knowledge distillation: a student learns a teacher's softened outputs (KLDivLoss) and the labels, smoothed."""
import torch
from torch import nn
import torch.nn.functional as F


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(60, 4)
    y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).long()
    teacher = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
    student = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Dropout(0.1), nn.Linear(4, 2))
    optimizer = torch.optim.Adam(teacher.parameters(), lr=0.02)

    def teach():
        loss = F.cross_entropy(teacher(x), y, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(30):
        loss = teach()
    print(f'teacher {loss.item():.4f}')

    teacher.eval()
    kl = nn.KLDivLoss(reduction='batchmean')
    student_optimizer = torch.optim.Adam(student.parameters(), lr=0.02)
    T, alpha = 3.0, 0.7

    def distill():
        with torch.no_grad():
            soft = F.softmax(teacher(x) / T, dim=1)
        logits = student(x)
        loss = alpha * T * T * kl(F.log_softmax(logits / T, dim=1), soft) + (1 - alpha) * F.cross_entropy(logits, y)
        student_optimizer.zero_grad()
        loss.backward()
        student_optimizer.step()
        return loss

    for epoch in range(1, 31):
        loss = distill()
        if epoch % 10 == 0:
            print(f'epoch {epoch} student {loss.item():.4f}')
    student.eval()
    agreement = (student(x).argmax(1) == teacher(x).argmax(1)).float().mean()
    print(f'agreement {agreement.item():.3f}')


if __name__ == '__main__':
    main(0)
