from sim_bridge.kept_alive import FAILED, FALLS_MAX, RESTARTING, RUNNING, STARTING, STOPPED, KeptAlive


class Puppet:
    """A process that does what it is told."""

    def __init__(self) -> None:
        self.is_alive, self.is_ready = False, False
        self.hangs, self.is_hopeless, self.was_killed, self.was_stopped = "", False, False, False

    def start(self) -> None:
        self.is_alive = True

    def trouble(self) -> str:
        return self.hangs

    def obituary(self) -> str:
        return "It died."

    def can_retry(self) -> bool:
        return not self.is_hopeless

    def stop(self) -> None:
        self.was_stopped, self.is_alive = True, False

    def kill(self) -> None:
        self.was_killed, self.is_alive = True, False


class Stage:
    def __init__(self) -> None:
        self.puppets: list[Puppet] = []
        self.part = KeptAlive("world", self._made, ready_within_s=10.0, by_hand="Press Restart.")

    def _made(self) -> Puppet:
        self.puppets.append(Puppet())
        return self.puppets[-1]

    def running(self, now_s: float = 0.0) -> Puppet:
        self.part.want(now_s)
        self.part.step(now_s)
        assert self.part.state == STARTING
        self.puppets[-1].is_ready = True
        self.part.step(now_s)
        assert (self.part.state, self.part.line) == (RUNNING, "")
        return self.puppets[-1]


def test_nothing_starts_unwanted_or_before_what_it_needs() -> None:
    stage = Stage()
    stage.part.step(0.0)
    assert stage.part.state == STOPPED and not stage.puppets
    stage.part.want(0.0)
    stage.part.step(0.0, may_start=False)
    assert stage.part.state == RESTARTING and not stage.puppets


def test_a_death_is_told_and_followed_by_a_start_a_little_later() -> None:
    stage = Stage()
    stage.running().is_alive = False
    stage.part.step(5.0)
    assert stage.part.state == RESTARTING
    assert stage.part.line == "It died. It is started again in 1 s."
    stage.part.step(5.9)
    assert len(stage.puppets) == 1
    stage.part.step(6.0)
    assert stage.part.state == STARTING and len(stage.puppets) == 2


def test_each_fall_waits_longer_until_it_stays_down_with_the_way_back() -> None:
    stage = Stage()
    stage.part.want(0.0)
    now_s, waits = 0.0, []
    while stage.part.state != FAILED:
        stage.part.step(now_s)
        if stage.part.state == STARTING:
            stage.puppets[-1].is_alive = False
            fell_at = now_s
            stage.part.step(now_s)
        else:
            now_s += 0.5
            stage.part.step(now_s)
            if stage.part.state == STARTING:
                waits.append(now_s - fell_at)
                stage.puppets[-1].is_alive = False
                fell_at = now_s
                stage.part.step(now_s)
    assert waits == [1.0, 2.0, 4.0, 8.0]
    assert len(stage.puppets) == FALLS_MAX
    assert "5 times within a minute" in stage.part.line and stage.part.line.endswith("Press Restart.")
    stage.part.step(now_s + 1000)
    assert stage.part.state == FAILED
    stage.running(now_s + 1000)


def test_falls_far_apart_never_add_up() -> None:
    stage = Stage()
    stage.part.want(0.0)
    for k in range(20):
        stage.part.step(k * 40.0)
        assert stage.part.state == STARTING
        stage.puppets[-1].is_alive = False
        stage.part.step(k * 40.0)
        assert stage.part.state == RESTARTING


def test_one_that_hangs_is_killed_and_started_again() -> None:
    stage = Stage()
    puppet = stage.running()
    puppet.hangs = "It said nothing for 5 s."
    stage.part.step(1.0)
    assert puppet.was_killed and stage.part.state == RESTARTING and "nothing for 5 s" in stage.part.line


def test_one_that_never_gets_ready_is_killed() -> None:
    stage = Stage()
    stage.part.want(0.0)
    stage.part.step(0.0)
    stage.part.step(9.0)
    assert stage.part.state == STARTING
    stage.part.step(10.5)
    assert stage.puppets[0].was_killed and "not ready within 10 s" in stage.part.line


def test_a_hopeless_start_is_not_repeated() -> None:
    stage = Stage()
    stage.running().is_alive = False
    stage.puppets[-1].is_hopeless = True
    stage.part.step(1.0)
    assert (stage.part.state, stage.part.line) == (FAILED, "It died. Press Restart.")


def test_falling_with_another_part_costs_no_wait_and_no_count() -> None:
    stage = Stage()
    stage.running()
    for k in range(10):
        stage.part.fall(float(k), "The drive lost its world.", counts=False)
        stage.part.step(float(k))
        assert stage.part.state == STARTING


def test_stopping_asks_politely_and_ends_the_keeping() -> None:
    stage = Stage()
    puppet = stage.running()
    stage.part.stop()
    stage.part.step(100.0)
    assert puppet.was_stopped and stage.part.state == STOPPED and len(stage.puppets) == 1
