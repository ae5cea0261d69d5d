"""Writes packages/data/test/golden/metrics.json: scikit-learn's metrics of classifiers.

    /usr/bin/python3 tools/golden/metrics.py

Debian: python3-sklearn (1.2.1) and python3-torch.
"""
import warnings

import numpy as np
from sklearn import metrics

from format import write

warnings.simplefilter('ignore')
rng = np.random.RandomState(0)
CAMEL = {'zero_division': 'zeroDivision', 'pos_label': 'posLabel', 'multi_class': 'multiClass'}


def plain(value):
    return value.tolist() if hasattr(value, 'tolist') else value


def case(name, truth, other, **options):
    value = getattr(metrics, name)(np.array(truth), np.array(other), **options)
    return {'name': name, 'truth': plain(truth), 'other': plain(other), 'value': plain(value),
            'options': {CAMEL.get(k, k): v for k, v in options.items()}}


def message(call):
    try:
        call()
    except Exception as error:
        return str(error)
    raise AssertionError('no error')


def predictions():
    cases = []
    two = [rng.randint(0, 2, 40), rng.randint(0, 2, 40)]
    four = [rng.randint(0, 4, 60), np.where(rng.rand(60) < 0.6, 0, rng.randint(0, 4, 60))]
    texts = [list('abcabcabca'), list('abccbaabca')]
    absent = [[0, 0, 1, 1], [2, 0, 1, 2]]
    for truth, other in (two, four, texts, absent):
        cases.append(case('accuracy_score', truth, other))
        cases.append(case('accuracy_score', truth, other, normalize=False))
        cases.append(case('confusion_matrix', truth, other))
        cases += [case('confusion_matrix', truth, other, normalize=n) for n in ('true', 'pred', 'all')]
    cases.append(case('confusion_matrix', *four, labels=[3, 1]))
    for name in ('precision_score', 'recall_score', 'f1_score'):
        cases.append(case(name, *two))
        cases.append(case(name, *two, pos_label=0))
        for zero in (0, 1):
            cases.append(case(name, [0, 0, 0], [0, 0, 0], zero_division=zero))
            cases.append(case(name, [0, 1, 0], [0, 0, 0], zero_division=zero))
            cases.append(case(name, *four, average='weighted', labels=[7, 8], zero_division=zero))
            cases.append(case(name, [0, 1], [1, 0], average='weighted', labels=[7], zero_division=zero))
            cases.append(case(name, [0, 1], [1, 7], average='weighted', labels=[7], zero_division=zero))
        for truth, other in (two, four, texts, absent):
            cases += [case(name, truth, other, average=a) for a in (None, 'micro', 'macro', 'weighted')]
            cases.append(case(name, truth, other, average='macro', zero_division=1))
        cases.append(case(name, *four, average='micro', labels=[1, 2]))
        cases.append(case(name, *four, average=None, labels=[2, 0]))
    return cases


def scores():
    cases = []
    truth = rng.randint(0, 2, 50)
    for values in (rng.rand(50), rng.randint(0, 5, 50) / 4, truth + rng.randn(50)):
        cases.append(case('roc_auc_score', truth, values))
    labels = rng.randint(0, 4, 60)
    raw = np.exp(rng.randn(60, 4) + 2 * np.eye(4)[labels])
    rows = (raw / raw.sum(1, keepdims=True)).round(6)
    rows[:, 3] = 1 - rows[:, :3].sum(1)
    for multi in ('ovr', 'ovo'):
        for average in ('macro', 'weighted'):
            cases.append(case('roc_auc_score', labels, rows, multi_class=multi, average=average))
    for average in ('macro', 'weighted'):
        present = labels != 2
        cases.append(case('roc_auc_score', labels[present], rows[present], multi_class='ovo', average=average,
                          labels=[0, 1, 2, 3]))
    for k in (1, 2, 3):
        for values in (rng.rand(50), rng.randn(50), rng.randint(0, 3, 50) / 2):
            cases.append(case('top_k_accuracy_score', truth, values, k=k))
        cases.append(case('top_k_accuracy_score', labels, rows, k=k))
        cases.append(case('top_k_accuracy_score', labels, (rows * 4).round(), k=k))
    cases.append(case('top_k_accuracy_score', labels, rows, normalize=False))
    cases.append(case('top_k_accuracy_score', [5, 7, 9], [[0.2, 0.5, 0.3], [0.4, 0.3, 0.3], [0.1, 0.2, 0.7]], k=1))
    cases.append(case('top_k_accuracy_score', [0, 1], [[0.2, 0.5, 0.3], [0.4, 0.3, 0.3]], k=1, labels=[0, 1, 2]))
    return cases


errors = {
    'count': message(lambda: metrics.accuracy_score([1, 2], [1])),
    'multiclass': message(lambda: metrics.f1_score([0, 1, 2], [0, 1, 2])),
    'posLabel': message(lambda: metrics.recall_score([0, 2], [0, 2])),
    'posText': message(lambda: metrics.recall_score(['a', 'b'], ['b', 'b'])),
    'nan': message(lambda: metrics.f1_score(np.array([np.nan, 1]), np.array([1, 1]))),
    'oneClass': message(lambda: metrics.roc_auc_score([1, 1], [0.1, 0.2])),
    'multiClass': message(lambda: metrics.roc_auc_score([0, 1, 2], np.eye(3))),
    'probabilities': message(lambda: metrics.roc_auc_score([0, 1, 2], np.eye(3) * 2, multi_class='ovr')),
    'labels': message(lambda: metrics.confusion_matrix([0, 1], [0, 1], labels=[5])),
}
write('packages/data/test/golden/metrics.json', {'cases': predictions() + scores(), 'errors': errors}, depth=2)
