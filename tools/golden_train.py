def optim(): pass
def nn_modules(): pass
def init(): pass
