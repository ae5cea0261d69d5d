def semantics(): pass
