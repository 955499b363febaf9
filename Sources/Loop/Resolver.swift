import CEventLoop
import Wire

/// Why a name has no addresses.
package struct ResolverError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A getaddrinfo code (`EAI_…`, negative), or a positive errno when the resolver itself refused.
    package let code: Int32

    package init(code: Int32) { self.code = code }

    /// Too many names wait already.
    package static var queueFull: ResolverError { ResolverError(code: outrider_no_buffers) }
    /// The resolver was shut down.
    package static var cancelled: ResolverError { ResolverError(code: outrider_cancelled) }

    /// Whether the name server could not be asked, as against having said no.
    package var isTemporary: Bool { code == outrider_resolve_try_again || self == .queueFull }

    package var description: String {
        code > 0 ? Errno.text(code) : cText { outrider_resolve_error_text(code, $0, $1) }
    }
}

/// Host names to addresses, off the loops: a few threads in getaddrinfo, a bounded queue, a bounded cache.
///
/// An answer is kept for `Limits.resolverPositiveMilliseconds`, because the C library does not tell a record's lifetime
/// (mesh `dnsRefreshRate`'s default of 60 s stands for it); a refusal for `Limits.resolverNegativeMilliseconds`. Threads
/// that ask for the same name share one lookup. The addresses have port 0.
///
/// Unchecked: what is mutable stands behind `state`; the rest is constant.
package final class Resolver: @unchecked Sendable {
    package typealias Answer = Result<[SocketAddress], ResolverError>
    package typealias Completion = @Sendable (Answer) -> Void

    private struct Waiter {
        let loop: EventLoop
        let completion: Completion
    }

    private struct Entry {
        let answer: Answer
        let expires: UInt64
    }

    private struct State {
        /// Names in the order they were asked for, the taken ones before `next`.
        var queue: [String] = []
        var next = 0
        /// Who waits for a name, queued or being looked up.
        var waiters: [String: [Waiter]] = [:]
        var waiterCount = 0
        var cache: [String: Entry] = [:]
        var isClosed = false
    }

    private let state = Locked(State())
    private let semaphore: Int32
    private let threadCount: Int
    private let lookup: @Sendable (String) -> Answer
    private let clock: @Sendable () -> UInt64
    private let threads = Locked<[ThreadHandle]>([])

    /// Starts the threads, which keep the resolver alive until `shutdown`. `lookup` and `clock` (milliseconds) stand in for getaddrinfo and the time in tests.
    package init(
        threads threadCount: Int = Limits.resolverThreads,
        lookup: @escaping @Sendable (String) -> Answer = Resolver.systemLookup,
        clock: @escaping @Sendable () -> UInt64 = { Clock.monotonicMilliseconds }
    ) throws(LoopError) {
        semaphore = outrider_semaphore_create()
        self.threadCount = threadCount
        self.lookup = lookup
        self.clock = clock
        guard semaphore >= 0 else { throw LoopError("cannot create an eventfd", errno: -semaphore) }
        do throws(LoopError) {
            for number in 0..<threadCount {
                let handle = try Thread.start(name: "resolver-\(number)") { [self] in work() }
                threads.withLock { $0.append(handle) }
            }
        } catch {
            shutdown()
            throw error
        }
    }

    deinit { if semaphore >= 0 { _ = outrider_close(semaphore) } }

    /// Names that are kept at the moment, expired ones included.
    package var cachedCount: Int { state.withLock { $0.cache.count } }

    /// Looks `name` up and calls `completion` on the loop's thread, always later than this call returns. IP addresses are
    /// answered without asking anyone. `refresh` passes over the cache, for those who keep their own time.
    package func resolve(
        _ name: String, refresh: Bool = false, on loop: EventLoop, completion: @escaping Completion
    ) {
        if let literal = SocketAddress(host: name, port: 0) {
            loop.post { completion(.success([literal])) }
            return
        }
        let now = clock()
        var mustSignal = false
        let immediate: Answer? = state.withLock { state in
            if state.isClosed { return .failure(.cancelled) }
            if !refresh, let entry = state.cache[name], entry.expires > now { return entry.answer }
            guard state.waiterCount < Limits.resolverWaitersMax else { return .failure(.queueFull) }
            state.waiterCount += 1
            mustSignal = state.waiters[name] == nil
            state.waiters[name, default: []].append(Waiter(loop: loop, completion: completion))
            if mustSignal { state.queue.append(name) }
            return nil
        }
        if let immediate {
            loop.post { completion(immediate) }
        } else if mustSignal {
            _ = outrider_semaphore_signal(semaphore, 1)
        }
    }

    /// Answers those who wait with `cancelled` and ends the threads, waiting for lookups that are under way.
    package func shutdown() {
        let waiting = state.withLock { state in
            state.isClosed = true
            let waiting = Array(state.waiters.values.joined())
            state.waiters = [:]
            state.waiterCount = 0
            state.queue = []
            state.next = 0
            return waiting
        }
        for waiter in waiting { waiter.loop.post { waiter.completion(.failure(.cancelled)) } }
        _ = outrider_semaphore_signal(semaphore, UInt64(threadCount))
        let handles = threads.withLock { handles in
            defer { handles = [] }
            return handles
        }
        for handle in handles { handle.join() }
    }

    // MARK: The threads

    private func work() {
        while outrider_semaphore_wait(semaphore) == 0 {
            var isClosed = false
            let name: String? = state.withLock { state in
                isClosed = state.isClosed
                return Self.takeName(&state)
            }
            if isClosed { return }
            guard let name else { continue }
            finish(name, with: lookup(name))
        }
    }

    private static func takeName(_ state: inout State) -> String? {
        guard state.next < state.queue.count else { return nil }
        let name = state.queue[state.next]
        state.next += 1
        if state.next == state.queue.count {
            state.queue.removeAll(keepingCapacity: true)
            state.next = 0
        }
        return name
    }

    private func finish(_ name: String, with answer: Answer) {
        let now = clock()
        let waiting = state.withLock { state in
            if !state.isClosed { Self.remember(name, answer, now: now, in: &state) }
            let waiting = state.waiters.removeValue(forKey: name) ?? []
            state.waiterCount -= waiting.count
            return waiting
        }
        for waiter in waiting { waiter.loop.post { waiter.completion(answer) } }
    }

    private static func remember(_ name: String, _ answer: Answer, now: UInt64, in state: inout State) {
        if state.cache[name] == nil, state.cache.count >= Limits.resolverNamesMax {
            state.cache = state.cache.filter { $0.value.expires > now }
            // Still full: the one that would expire first makes room.
            if state.cache.count >= Limits.resolverNamesMax,
                let oldest = state.cache.min(by: { $0.value.expires < $1.value.expires })
            {
                state.cache.removeValue(forKey: oldest.key)
            }
        }
        let lifetime: Int
        switch answer {
        case .success: lifetime = Limits.resolverPositiveMilliseconds
        case .failure: lifetime = Limits.resolverNegativeMilliseconds
        }
        state.cache[name] = Entry(answer: answer, expires: now &+ UInt64(lifetime))
    }

    // MARK: The system's lookup

    /// getaddrinfo over IPv4 and IPv6, in the order of RFC 6724, only families that this machine has an address of.
    @Sendable package static func systemLookup(_ name: String) -> Answer {
        // The root's dot is legal; a zero byte would cut the name short.
        guard !name.isEmpty, name.utf8.count <= 255, !name.utf8.contains(0) else {
            return .failure(ResolverError(code: outrider_invalid))
        }
        return withUnsafeTemporaryAllocation(
            of: outrider_address.self, capacity: Limits.resolverAddressesMax
        ) { buffer -> Answer in
            let count = outrider_resolve(name, buffer.baseAddress, Int32(buffer.count))
            guard count > 0 else { return .failure(ResolverError(code: count)) }
            return .success(buffer.prefix(Int(count)).compactMap { SocketAddress($0) })
        }
    }
}
