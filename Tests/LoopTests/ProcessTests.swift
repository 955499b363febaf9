import Glibc
import Loop
import Testing

@Suite("Process, clocks and draws")
struct ProcessTests {
    @Test("a seed gives its stream, other seeds other streams, and the kernel gives seeds that differ")
    func random() {
        var first = RandomSource(seed: 1)
        var again = RandomSource(seed: 1)
        var other = RandomSource(seed: 2)
        let draws = (0..<100).map { _ in first.next() }
        #expect(draws == (0..<100).map { _ in again.next() })
        #expect(draws != (0..<100).map { _ in other.next() })
        #expect(Set(draws).count == 100)
        #expect(Random.seed() != Random.seed())
        var ones = RandomSource(seed: 0)
        #expect((0..<64).map { _ in ones.next().nonzeroBitCount }.reduce(0, +) > 1500)
    }

    @Test("the loop's clock is the process's clock, and does not run backwards")
    func clock() throws {
        let before = Clock.monotonicMilliseconds
        let loop = try EventLoop()
        loop.turn(waitMilliseconds: 0)
        #expect(loop.now >= before)
        #expect(Clock.monotonicNanoseconds >= loop.nowNanoseconds)
        #expect(loop.now == loop.nowNanoseconds / 1_000_000)
        #expect(Clock.realtimeMilliseconds >= loop.realtimeMilliseconds)
    }

    @Test("signals arrive as events of a loop")
    func signals() throws {
        let seen = Counter()
        // A thread that blocks and raises its own signals leaves the test process alone.
        try Thread.start(name: "signals") {
            SignalSource.block()
            do {
                let loop = try EventLoop()
                let source = try SignalSource { signal in
                    switch signal {
                    case .hangup: seen.set(seen.value | 1)
                    case .user1: seen.set(seen.value | 2)
                    case .terminate, .interrupt: seen.set(seen.value | 4)
                    }
                }
                guard source.attach(to: loop) else { return }
                raise(SIGHUP)
                raise(SIGUSR1)
                loop.turn { seen.value == 3 }
            } catch {
                seen.set(-1)
            }
        }.join()
        #expect(seen.value == 3)
    }

    @Test("limits are positive and errors have words")
    func limits() {
        #expect(System.cores > 0)
        #expect(System.raiseDescriptorLimit(to: 64) >= 64)
        #expect(System.descriptorLimit > 0)
        #expect(Errno.text(-Errno.connectionRefused) == "Connection refused")
        #expect(Errno.text(Int32.min) != "")
        #expect(LoopError("cannot fly", errno: Errno.invalid, advice: "walk").sentence.hasSuffix("; walk"))
    }
}
