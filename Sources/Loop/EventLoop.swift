import CEventLoop
import Synchronization
import Wire

/// One thread's epoll: descriptors, deadlines, a ready queue and a mailbox. Pure mechanism; it knows no protocol.
///
/// A turn is, in this order: wait for a batch, events of upstream handlers, events of the others, mailbox jobs, the ready
/// queue as it stood when the turn began, deadlines that passed, release of what was deregistered. Nothing is allocated
/// for an event, and an idle loop sleeps until its next deadline or for ever.
///
/// Unchecked: `post`, `nudge` and `stop` may be called from any thread and touch only a lock, an atomic and the wake-up; all else
/// belongs to the thread that calls `run`, or, before that, to the one that sets the loop up.
package final class EventLoop: @unchecked Sendable {
    /// Monotonic milliseconds, read once a batch. Deadlines are in this time.
    package private(set) var now: UInt64 = 0
    /// The same instant in nanoseconds.
    package private(set) var nowNanoseconds: UInt64 = 0
    /// The calendar's milliseconds since 1970, read with `now`: for dates, never for durations.
    package private(set) var realtimeMilliseconds: UInt64 = 0

    let epoll: Int32
    private let wake: Int32
    private let events: UnsafeMutablePointer<outrider_event>

    // The table of handlers: see EventLoop+Registration.swift.
    var slots: UnsafeMutablePointer<Slot>
    var slotCapacity = 64
    var freeSlot: Int32 = -1
    /// Handlers in the table.
    package internal(set) var registeredCount = 0
    /// References that are given up when the batch is over.
    var retired: [Unmanaged<EventHandler>] = []

    var timers = TimerHeap()

    // The ready queue, each entry retained, and the one that is being served.
    private var ready: [Unmanaged<EventHandler>] = []
    private var serving: [Unmanaged<EventHandler>] = []
    /// Who is called at the end of this turn. Each is retained.
    private var ending: [Unmanaged<EventHandler>] = []

    private let mailbox = Locked<[@Sendable () -> Void]>([])
    private var jobs: [@Sendable () -> Void] = []
    private let isStopping = Atomic<Bool>(false)
    /// Whom `nudge` calls. Set before the loop runs.
    package var nudged: EventHandler?

    /// What epoll gives back for the wake-up: no slot has this number.
    private static let wakeData = UInt64.max

    /// A loop with its epoll and its wake-up; throws when descriptors have run out.
    package init() throws(LoopError) {
        let epoll = outrider_epoll_create()
        guard epoll >= 0 else { throw LoopError("cannot create an epoll instance", errno: -epoll) }
        let wake = outrider_wake_create()
        guard wake >= 0 else {
            _ = outrider_close(epoll)
            throw LoopError("cannot create an eventfd", errno: -wake)
        }
        self.epoll = epoll
        self.wake = wake
        events = .allocate(capacity: Limits.eventsPerTurnMax)
        slots = .allocate(capacity: slotCapacity)
        linkFreeSlots(from: 0)
        let error = outrider_epoll_add_edge(epoll, wake, Self.wakeData)
        guard error == 0 else { throw LoopError("cannot watch an eventfd", errno: -error) }
        retired.reserveCapacity(64)
        ready.reserveCapacity(64)
        serving.reserveCapacity(64)
        readClock()
    }

    deinit {
        for entry in ready { entry.release() }
        for entry in ending { entry.release() }
        timers.removeAll()
        for index in 0..<slotCapacity {
            guard let handler = slots[index].handler else { continue }
            handler._withUnsafeGuaranteedRef { $0.slot = -1 }
            handler.release()
        }
        for entry in retired { entry.release() }
        slots.deallocate()
        events.deallocate()
        _ = outrider_close(wake)
        _ = outrider_close(epoll)
    }

    // MARK: Running

    /// Runs turns until `stop`. Called by one thread only.
    package func run() {
        while !isStopping.load(ordering: .acquiring) { turn() }
    }

    /// Ends `run` after the turn it is in; before `run`, makes it return at once. From any thread.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        _ = outrider_wake(wake)
    }

    /// Runs `job` on the loop's thread between two batches. From any thread; jobs of one thread keep their order.
    /// Wakes the loop only when the mailbox was empty.
    package func post(_ job: @escaping @Sendable () -> Void) {
        let wasEmpty = mailbox.withLock { jobs in
            jobs.append(job)
            return jobs.count == 1
        }
        if wasEmpty { _ = outrider_wake(wake) }
    }

    /// Has `nudged.onReady()` called in the next turn, and also after jobs that were posted. From any thread. Unlike `post` it
    /// takes no lock and no memory, for those who wake a thread once a request.
    package func nudge() { _ = outrider_wake(wake) }

    /// One turn. Waits for events at most until the next deadline, and no longer than `waitMilliseconds` (-1: no limit).
    package func turn(waitMilliseconds: Int32 = -1) {
        swap(&ready, &serving)
        let count = wait(waitMilliseconds)
        let hasMail = dispatch(count)
        if hasMail {
            runJobs()
            nudged?.onReady()
        }
        if !serving.isEmpty { serveReady() }
        if timers.nextDeadline <= now { fireDeadlines() }
        if !ending.isEmpty { endBatch() }
        if !retired.isEmpty { releaseRetired() }
    }

    private func wait(_ limit: Int32) -> Int {
        var timeout = limit
        if !serving.isEmpty {
            timeout = 0
        } else if timers.nextDeadline != .max {
            let left = timers.nextDeadline > now ? timers.nextDeadline - now : 0
            let bounded = Int32(clamping: left)
            timeout = limit < 0 ? bounded : min(limit, bounded)
        }
        var clocks = outrider_clocks()
        let count = outrider_epoll_wait(epoll, events, Int32(Limits.eventsPerTurnMax), timeout, &clocks)
        take(clocks)
        precondition(count >= 0, "epoll_wait failed: the loop's descriptor or its memory is gone")
        return Int(count)
    }

    /// Reads the clocks again: for a caller that has worked for long since the batch began.
    package func readClock() {
        var clocks = outrider_clocks()
        outrider_read_clocks(&clocks)
        take(clocks)
    }

    private func take(_ clocks: outrider_clocks) {
        nowNanoseconds = clocks.monotonic_ns
        now = clocks.monotonic_ns / 1_000_000
        realtimeMilliseconds = clocks.realtime_ms
    }

    // MARK: Serving a batch

    /// Calls the handlers, upstream ones first. Returns whether the wake-up was among the events.
    private func dispatch(_ count: Int) -> Bool {
        var others = 0
        for index in 0..<count {
            guard let handler = handler(for: events[index].data) else { continue }
            let isUpstream = handler._withUnsafeGuaranteedRef { $0.isUpstream }
            guard isUpstream else {
                others += 1
                continue
            }
            let flags = events[index].flags
            // Served: the second pass skips events without flags.
            events[index].flags = 0
            handler._withUnsafeGuaranteedRef { $0.onEvents(Events(rawValue: flags)) }
        }
        var hasMail = false
        for index in 0..<count where events[index].flags != 0 {
            let event = events[index]
            if event.data == Self.wakeData {
                hasMail = true
            } else if others > 0, let handler = handler(for: event.data) {
                handler._withUnsafeGuaranteedRef { $0.onEvents(Events(rawValue: event.flags)) }
            }
        }
        return hasMail
    }

    private func runJobs() {
        mailbox.withLock { swap(&$0, &jobs) }
        // A job that posts finds the mailbox empty and wakes the loop for the next turn.
        for job in jobs { job() }
        jobs.removeAll(keepingCapacity: jobs.count <= 1024)
    }

    private func serveReady() {
        for entry in serving {
            entry._withUnsafeGuaranteedRef { handler in
                // Not set: it was deregistered, or served through an older entry.
                guard handler.isReadyQueued else { return }
                handler.isReadyQueued = false
                handler.onReady()
            }
            retired.append(entry)
        }
        serving.removeAll(keepingCapacity: true)
    }

    private func fireDeadlines() {
        // Each entry at most once a turn, so that a handler that arms the past does not hold the loop.
        var budget = timers.count
        while budget > 0, timers.nextDeadline <= now {
            budget -= 1
            guard let entry = timers.settleFirst(now: now) else { continue }
            retired.append(entry)
            entry._withUnsafeGuaranteedRef { handler in
                guard handler.deadline <= now else { return }
                handler.deadline = .max
                handler.onDeadline()
            }
        }
    }

    /// Frees what the batch gave up. A `deinit` may deregister others: they wait for the next round.
    private func releaseRetired() {
        while !retired.isEmpty {
            var batch: [Unmanaged<EventHandler>] = []
            swap(&batch, &retired)
            for entry in batch { entry.release() }
            batch.removeAll(keepingCapacity: true)
            if retired.isEmpty { swap(&batch, &retired) }
            if retired.isEmpty { return }
        }
    }

    // MARK: The ready queue

    /// Has `handler.onReady()` called in the next turn, which does not sleep. Once per turn however often it is asked for;
    /// not at all when the handler is deregistered first.
    package func makeReady(_ handler: EventHandler) {
        guard !handler.isReadyQueued else { return }
        handler.isReadyQueued = true
        ready.append(Unmanaged.passRetained(handler))
    }

    // MARK: The end of a batch

    /// Has `handler.onBatchEnd()` called when everything of this turn was served: for what is gathered over a whole turn, as the
    /// frames of many streams. Once however often it is asked for; not at all when the handler is deregistered first.
    package func callAtBatchEnd(_ handler: EventHandler) {
        guard !handler.isBatchEndQueued else { return }
        handler.isBatchEndQueued = true
        ending.append(Unmanaged.passRetained(handler))
    }

    /// Calls those who asked. What they cause may ask again, in this same turn.
    private func endBatch() {
        var position = 0
        while position < ending.count {
            let entry = ending[position]
            position += 1
            retired.append(entry)
            entry._withUnsafeGuaranteedRef { handler in
                guard handler.isBatchEndQueued else { return }
                handler.isBatchEndQueued = false
                handler.onBatchEnd()
            }
        }
        ending.removeAll(keepingCapacity: true)
    }

    // MARK: Deadlines

    /// Sets the handler's deadline, in the loop's milliseconds. Lazy: usually one store, because an entry that is due
    /// earlier is still in the heap and is put back when it fires. A handler without a descriptor works as a timer; the
    /// loop holds it while an entry of it is in the heap.
    package func arm(_ handler: EventHandler, deadline: UInt64) {
        handler.deadline = deadline
        guard deadline < timers.entryDeadline(of: handler) else { return }
        timers.insertOrAdvance(handler, deadline: deadline)
    }

    /// Takes the deadline back, lazily: the heap's entry goes when it fires or when the handler is deregistered.
    package func disarm(_ handler: EventHandler) { handler.deadline = .max }
}
