"""The budget that all clients share: nobody takes what another needs."""

from bridge.stores import Budget, Store


class Client:
    """Two stores, as small as can be followed on paper."""

    def __init__(self, budget):
        self.first, self.second = Store(budget), Store(budget, most=3, most_bytes=50)
        self.stores = self.first, self.second
        budget.join(self)


def test_over_the_limit_the_client_with_the_most_loses_what_it_used_longest_ago():
    budget = Budget(100)
    small, large = Client(budget), Client(budget)
    small.first.put("mine", "kept", 40)
    large.first.put("a", "A", 20)
    large.second.put("b", "B", 20)
    large.first.put("c", "C", 20)
    assert budget.used == 100 and budget.shed() == []
    assert large.first.use("a") == "A"
    large.first.grow("c", 1)
    assert [(shed.owner is large, shed.name, shed.value) for shed in budget.shed()] == [(True, "b", "B")]
    large.first.put("d", "D", 30)
    assert [shed.value for shed in budget.shed()] == ["A"]
    assert small.first.get("mine") == "kept" and budget.used == 91


def test_a_store_keeps_to_its_own_limits_but_always_keeps_the_newest():
    store = Client(Budget(10_000)).second
    for name in "abcd":
        store.put(name, name, 1)
    assert list(store) == ["b", "c", "d"]
    store.use("b")
    store.put("e", "e", 48)
    assert list(store) == ["d", "b", "e"]
    store.put("f", "f", 400)
    assert list(store) == ["f"] and store.bytes == 400
    store.put("f", "f", 4)
    assert store.bytes == 4 and store.pop("f") == "f" and store.pop("f") is None and store.bytes == 0


def test_what_a_client_that_is_gone_is_given_is_not_kept():
    budget = Budget(10)
    client = Client(budget)
    client.first.put("a", "a", 5)
    budget.leave(client)
    client.first.put("b", "b", 50)
    assert budget.used == 0 and budget.shed() == [] and len(client.first) == 0


def test_things_go_when_they_were_not_used_for_some_time():
    store = Client(Budget(10)).first
    store.put("a", 1, 1)
    assert store.expire(1000.0) == [] and store.expire(-1.0) == [("a", 1)] and len(store) == 0
