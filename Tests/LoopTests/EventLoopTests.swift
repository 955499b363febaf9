import Loop
import Testing

@Suite("Events")
struct EventTests {
    let loop: EventLoop
    init() throws { loop = try EventLoop() }

    @Test("an event is told once until something new happens, and new bytes tell it again")
    func edgeTriggered() throws {
        let (near, far) = try #require(Socket.pair())
        defer { [near, far].forEach { Socket.close($0) } }
        let handler = Recorder()
        #expect(loop.register(handler, fd: near))
        loop.turn(waitMilliseconds: 0)
        #expect(handler.events == [.writable])
        sendText("one", to: far)
        loop.turn(waitMilliseconds: 0)
        #expect(handler.events.last?.contains(.readable) == true)
        loop.turn(waitMilliseconds: 0)
        #expect(handler.events.count == 2, "unread bytes are not told twice")
        sendText("two", to: far)
        loop.turn(waitMilliseconds: 0)
        #expect(handler.events.count == 3)
        #expect(receiveText(near) == "onetwo")
    }

    @Test("the peer's half-close and its end are told apart")
    func hangup() throws {
        let (near, far) = try #require(Socket.pair())
        let handler = Recorder()
        #expect(loop.register(handler, fd: near))
        loop.turn(waitMilliseconds: 0)
        Socket.shutdownWrite(far)
        loop.turn(waitMilliseconds: 0)
        #expect(handler.events.last?.contains(.hangup) == true)
        #expect(handler.events.last?.contains(.error) == false)
        Socket.close(far)
        loop.turn(waitMilliseconds: 0)
        #expect(handler.events.last?.contains(.error) == true)
        loop.deregister(handler)
        Socket.close(near)
    }

    @Test("upstream handlers are served before the others of a batch")
    func upstreamFirst() throws {
        var order: [Int] = []
        var open: [Int32] = []
        defer { open.forEach { Socket.close($0) } }
        for number in 0..<6 {
            let (near, far) = try #require(Socket.pair())
            open += [near, far]
            let handler = Recorder()
            handler.isUpstream = number >= 4
            handler.whenEvents = { _ in order.append(number) }
            #expect(loop.register(handler, fd: near))
        }
        loop.turn(waitMilliseconds: 0)
        #expect(order.count == 6)
        #expect(Set(order.prefix(2)) == [4, 5])
    }

    @Test("an event of a descriptor that was closed and taken again in the same batch is dropped")
    func staleEvent() throws {
        let (firstNear, firstFar) = try #require(Socket.pair())
        let (secondNear, secondFar) = try #require(Socket.pair())
        let victim = Recorder()
        let successor = Recorder()
        let killer = Recorder()
        killer.isUpstream = true
        var reused: (Int32, Int32) = (-1, -1)
        killer.whenEvents = { [loop] _ in
            guard reused.0 < 0 else { return }
            loop.deregister(victim, willClose: true)
            Socket.close(secondNear)
            reused = Socket.pair() ?? (-1, -1)
            _ = loop.register(successor, fd: reused.0)
        }
        #expect(loop.register(victim, fd: secondNear))
        #expect(loop.register(killer, fd: firstNear))
        sendText("for the victim", to: secondFar)
        loop.turn(waitMilliseconds: 0)
        // Whether or not the kernel gave the same number again, the place in the loop's table is the same.
        #expect(reused.0 >= 0)
        #expect(victim.events.isEmpty)
        #expect(successor.events.isEmpty, "the successor must not see its predecessor's event")
        loop.turn(waitMilliseconds: 0)
        #expect(successor.events == [.writable])
        for fd in [firstNear, firstFar, secondFar, reused.0, reused.1] { Socket.close(fd) }
    }

    @Test("a handler that deregisters itself lives until the batch is over")
    func freedAtTheEnd() throws {
        let (near, far) = try #require(Socket.pair())
        defer { [near, far].forEach { Socket.close($0) } }
        var isFreed = false
        var wasFreedEarly = true
        do {
            let handler = Recorder()
            handler.whenFreed = { isFreed = true }
            handler.whenEvents = { [loop] handler in
                loop.arm(handler, deadline: loop.now + 60_000)
                loop.makeReady(handler)
                loop.deregister(handler)
                wasFreedEarly = isFreed
            }
            #expect(loop.register(handler, fd: near))
        }
        loop.turn(waitMilliseconds: 0)
        #expect(!wasFreedEarly)
        loop.turn(waitMilliseconds: 0)
        #expect(isFreed)
        #expect(loop.registeredCount == 0)
    }

    @Test("the table grows while handlers come and go")
    func manyHandlers() throws {
        var pairs: [(Int32, Int32)] = []
        var handlers: [Recorder] = []
        for _ in 0..<150 {
            let pair = try #require(Socket.pair())
            pairs.append(pair)
            let handler = Recorder()
            handlers.append(handler)
            #expect(loop.register(handler, fd: pair.0))
        }
        loop.turn(waitMilliseconds: 0)
        #expect(handlers.allSatisfy { $0.events == [.writable] })
        for handler in handlers { loop.deregister(handler) }
        #expect(loop.registeredCount == 0)
        for pair in pairs { [pair.0, pair.1].forEach { Socket.close($0) } }
    }

    @Test("a loop gives its handlers back when it goes")
    func loopEnds() throws {
        var freed = 0
        do {
            let loop = try EventLoop()
            let (near, far) = try #require(Socket.pair())
            defer { [near, far].forEach { Socket.close($0) } }
            let handlers = (0..<2).map { _ in Recorder() }
            for handler in handlers { handler.whenFreed = { freed += 1 } }
            #expect(loop.register(handlers[0], fd: near))
            loop.arm(handlers[1], deadline: loop.now + 60_000)
            loop.makeReady(handlers[1])
        }
        #expect(freed == 2)
    }
}

@Suite("The ready queue")
struct ReadyQueueTests {
    let loop: EventLoop
    init() throws { loop = try EventLoop() }

    @Test("who asks while being served is served in the next turn, after everyone else")
    func fairness() {
        var order: [Int] = []
        let handlers = (0..<3).map { number in
            let handler = Recorder()
            handler.whenReady = { [loop] handler in
                order.append(number)
                if handler.readyCalls < 3 { loop.makeReady(handler) }
            }
            return handler
        }
        for handler in handlers { loop.makeReady(handler) }
        loop.turn()
        #expect(order == [0, 1, 2])
        loop.turn()
        loop.turn()
        #expect(order == [0, 1, 2, 0, 1, 2, 0, 1, 2])
        loop.turn(waitMilliseconds: 0)
        #expect(order.count == 9)
    }

    @Test("asking twice serves once, and deregistering takes the request back")
    func idempotent() {
        let handler = Recorder()
        loop.makeReady(handler)
        loop.makeReady(handler)
        loop.turn()
        #expect(handler.readyCalls == 1)
        loop.makeReady(handler)
        loop.deregister(handler)
        loop.turn(waitMilliseconds: 0)
        #expect(handler.readyCalls == 1)
    }

    @Test("events are served between two turns of a busy handler")
    func eventsInBetween() throws {
        let (near, far) = try #require(Socket.pair())
        defer { [near, far].forEach { Socket.close($0) } }
        let busy = Recorder()
        busy.whenReady = { [loop] in loop.makeReady($0) }
        let other = Recorder()
        #expect(loop.register(other, fd: near))
        loop.makeReady(busy)
        loop.turn()
        #expect(other.events.count == 1)
        sendText("x", to: far)
        loop.turn()
        #expect(other.events.count == 2)
        #expect(busy.readyCalls == 2)
        loop.deregister(busy)
    }
}

@Suite("Deadlines")
struct DeadlineTests {
    let loop: EventLoop
    init() throws { loop = try EventLoop() }

    @Test("deadlines fire in their order, not in the order in which they were set")
    func order() {
        var order: [Int] = []
        let start = loop.now
        for number in [5, 1, 4, 2, 3, 0] {
            let timer = Recorder()
            timer.whenDeadline = { _ in order.append(number) }
            loop.arm(timer, deadline: start + UInt64(number) * 3)
        }
        loop.turn { order.count == 6 }
        #expect(order == [0, 1, 2, 3, 4, 5])
    }

    @Test("a deadline that moved on fires once, at its new time")
    func lazy() {
        let moved = Recorder()
        let mark = Recorder()
        let start = loop.now
        var movedWasFirst = false
        mark.whenDeadline = { _ in movedWasFirst = moved.deadlineCalls > 0 }
        loop.arm(moved, deadline: start + 2)
        loop.arm(moved, deadline: start + 12)
        loop.arm(mark, deadline: start + 6)
        loop.turn { moved.deadlineCalls > 0 }
        #expect(mark.deadlineCalls == 1)
        #expect(!movedWasFirst)
        #expect(loop.now >= start + 12)
        loop.turn(waitMilliseconds: 5)
        #expect(moved.deadlineCalls == 1)
        #expect(moved.deadline == .max)
    }

    @Test("a deadline that moves to an earlier time overtakes its entry")
    func earlier() {
        let timer = Recorder()
        loop.arm(timer, deadline: loop.now + 1_000_000)
        loop.arm(timer, deadline: loop.now + 2)
        loop.turn { timer.deadlineCalls > 0 }
        #expect(timer.deadlineCalls == 1)
    }

    @Test("a disarmed or deregistered handler's deadline does not fire, and a deregistered one is freed at once")
    func disarmed() {
        let disarmed = Recorder()
        var freed = false
        let mark = Recorder()
        loop.arm(disarmed, deadline: loop.now + 1)
        loop.disarm(disarmed)
        do {
            let gone = Recorder()
            gone.whenFreed = { freed = true }
            loop.arm(gone, deadline: loop.now + 1_000_000)
            loop.deregister(gone)
        }
        loop.arm(mark, deadline: loop.now + 5)
        loop.turn { mark.deadlineCalls > 0 }
        #expect(disarmed.deadlineCalls == 0)
        #expect(freed)
    }

    @Test("a handler that always arms the past does not hold the loop")
    func past() {
        let eager = Recorder()
        eager.whenDeadline = { [loop] in loop.arm($0, deadline: loop.now) }
        loop.arm(eager, deadline: loop.now)
        for _ in 0..<3 { loop.turn() }
        #expect((1...3).contains(eager.deadlineCalls))
        loop.deregister(eager)
    }

    @Test("many deadlines that come, move and go keep their order")
    func churn() {
        var draws = RandomSource(seed: 7)
        let timers = (0..<400).map { _ in Recorder() }
        var last: UInt64 = 0
        var isOrdered = true
        var fired = 0
        let start = loop.now
        for timer in timers {
            let deadline = start + draws.next() % 20
            timer.whenDeadline = { _ in
                isOrdered = isOrdered && deadline >= last
                last = max(last, deadline)
                fired += 1
            }
            // Entries that differ from the deadlines: later ones, and removed ones.
            loop.arm(timer, deadline: start + 20 + draws.next() % 5)
            if draws.next() % 3 == 0 { loop.deregister(timer) }
            loop.arm(timer, deadline: deadline)
        }
        loop.turn { fired == timers.count }
        #expect(fired == timers.count)
        #expect(isOrdered)
    }
}

@Suite("The mailbox")
struct MailboxTests {
    /// Jobs of many threads, counted on the loop's thread.
    final class Tally: @unchecked Sendable {  // touched by the loop's thread only, read after the join
        var total = 0
        var last = [Int](repeating: -1, count: 8)
        var isOrdered = true
    }

    @Test("jobs of many threads run once each, in each thread's order")
    func manyThreads() throws {
        let loop = try EventLoop()
        let tally = Tally()
        let runner = try Thread.start(name: "loop") { loop.run() }
        let posters = try (0..<8).map { poster in
            try Thread.start(name: "poster-\(poster)") {
                for number in 0..<1000 {
                    loop.post {
                        tally.isOrdered = tally.isOrdered && tally.last[poster] == number - 1
                        tally.last[poster] = number
                        tally.total += 1
                    }
                }
            }
        }
        for poster in posters { poster.join() }
        loop.post { loop.stop() }
        runner.join()
        #expect(tally.total == 8000)
        #expect(tally.isOrdered)
    }

    @Test("a job posted by a job runs in the next turn, and stop before run makes run return")
    func nested() throws {
        let loop = try EventLoop()
        let tally = Tally()
        loop.post {
            tally.total += 1
            loop.post { tally.total += 1 }
        }
        loop.turn(waitMilliseconds: 0)
        #expect(tally.total == 1)
        loop.turn(waitMilliseconds: 0)
        #expect(tally.total == 2)
        loop.stop()
        loop.run()
    }
}
