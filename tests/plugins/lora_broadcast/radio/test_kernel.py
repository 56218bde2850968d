from plugins.lora_broadcast.radio.kernel import Kernel


def test_events_happen_in_order_and_at_their_time() -> None:
    kernel, seen = Kernel(), []

    def note(name: str) -> None:
        seen.append((name, kernel.now))

    kernel.at(20, lambda: note("late"))
    kernel.at(10, lambda: note("first"))
    kernel.at(10, lambda: note("second"))
    kernel.at(10, lambda: kernel.after(5, lambda: note("between")))
    assert kernel.run(19)
    assert seen == [("first", 10), ("second", 10), ("between", 15)]
    assert kernel.now == 19
    assert kernel.run(20)
    assert seen[-1] == ("late", 20)


def test_the_past_is_now() -> None:
    kernel, seen = Kernel(), []
    kernel.run(100)
    kernel.at(5, lambda: seen.append(kernel.now))
    kernel.run(100)
    assert seen == [100]


def test_a_limit_interrupts_without_losing_events() -> None:
    kernel, seen = Kernel(), []
    for time in range(5):
        kernel.at(time, lambda: seen.append(kernel.now))
    assert not kernel.run(10, limit=3)
    assert seen == [0, 1, 2]
    assert kernel.now == 2
    assert kernel.run(10, limit=3)
    assert seen == [0, 1, 2, 3, 4]
