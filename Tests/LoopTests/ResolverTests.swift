import Dispatch
import Loop
import Testing
import Wire

@Suite("The resolver")
struct ResolverTests {
    typealias Answer = Resolver.Answer

    /// What completions said, in the order in which they came.
    final class Answers: @unchecked Sendable {  // only the loop's thread, which is the test's, touches it
        var list: [Answer] = []
    }

    let loop: EventLoop
    init() throws { loop = try EventLoop() }

    func ask(_ resolver: Resolver, _ name: String, refresh: Bool = false) -> Answer? {
        let answers = Answers()
        resolver.resolve(name, refresh: refresh, on: loop) { answers.list.append($0) }
        #expect(answers.list.isEmpty, "an answer never comes before the call returns")
        loop.turn { !answers.list.isEmpty }
        return answers.list.first
    }

    @Test("localhost is a loopback address, and an address is its own answer")
    func localhost() throws {
        let resolver = try Resolver()
        defer { resolver.shutdown() }
        let addresses = try #require(try ask(resolver, "localhost")?.get())
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { $0.isLoopback && $0.port == 0 })
        #expect(try ask(resolver, "192.0.2.7")?.get() == [.ipv4(0xC000_0207, port: 0)])
        #expect(try ask(resolver, "[::1]")?.get() == [.ipv6(0, 1, port: 0, scope: 0)])
        #expect(resolver.cachedCount == 1)
    }

    @Test("names that cannot be are errors with words", arguments: [0, 1, 2])
    func impossible(number: Int) throws {
        let name = ["", "a\0b", String(repeating: "x.", count: 200)][number]
        let resolver = try Resolver()
        defer { resolver.shutdown() }
        guard case .failure(let error) = ask(resolver, name) else {
            Issue.record("there is no such name")
            return
        }
        #expect(!error.description.isEmpty)
    }

    @Test("an answer is kept for its time, a refusal for a shorter one, and a refresh passes over both")
    func cache() throws {
        let time = Counter()
        let lookups = Counter()
        let resolver = try Resolver(
            lookup: { name in
                let number = lookups.increment()
                return name == "bad" ? .failure(ResolverError(code: -2)) : .success([.ipv4(UInt32(number), port: 0)])
            }, clock: { UInt64(time.value) })
        defer { resolver.shutdown() }
        #expect(ask(resolver, "good") == .success([.ipv4(1, port: 0)]))
        #expect(ask(resolver, "good") == .success([.ipv4(1, port: 0)]))
        #expect(ask(resolver, "bad") == .failure(ResolverError(code: -2)))
        #expect(ask(resolver, "bad") == .failure(ResolverError(code: -2)))
        #expect(lookups.value == 2)
        time.set(Limits.resolverNegativeMilliseconds)
        _ = ask(resolver, "bad")
        #expect(lookups.value == 3)
        #expect(ask(resolver, "good", refresh: true) == .success([.ipv4(4, port: 0)]))
        time.set(Limits.resolverNegativeMilliseconds + Limits.resolverPositiveMilliseconds)
        #expect(ask(resolver, "good") == .success([.ipv4(5, port: 0)]))
    }

    @Test("the cache is bounded")
    func bounded() throws {
        let resolver = try Resolver(lookup: { _ in .success([.ipv4(1, port: 0)]) })
        defer { resolver.shutdown() }
        let answers = Answers()
        var asked = 0
        while asked < Limits.resolverNamesMax + 200 {
            for _ in 0..<100 {
                resolver.resolve("name-\(asked)", on: loop) { answers.list.append($0) }
                asked += 1
            }
            loop.turn { answers.list.count == asked }
        }
        #expect(answers.list.count == asked)
        #expect(resolver.cachedCount == Limits.resolverNamesMax)
    }

    @Test("those who ask for the same name share a lookup, too many are refused, and a shutdown answers all")
    func sharing() throws {
        let gate = DispatchSemaphore(value: 0)
        let lookups = Counter()
        let resolver = try Resolver(
            threads: 1,
            lookup: { _ in
                _ = lookups.increment()
                gate.wait()
                return .success([.ipv4(1, port: 0)])
            })
        let shared = Answers()
        for _ in 0..<Limits.resolverWaitersMax { resolver.resolve("slow", on: loop) { shared.list.append($0) } }
        #expect(ask(resolver, "one too many") == .failure(.queueFull))
        gate.signal()
        loop.turn { shared.list.count == Limits.resolverWaitersMax }
        #expect(shared.list.allSatisfy { $0 == .success([.ipv4(1, port: 0)]) })
        #expect(lookups.value == 1)
        let late = Answers()
        resolver.resolve("later", on: loop) { late.list.append($0) }
        resolver.resolve("never begun", on: loop) { late.list.append($0) }
        gate.signal()
        gate.signal()
        resolver.shutdown()
        loop.turn { late.list.count == 2 }
        #expect(late.list.count == 2)
        #expect(ask(resolver, "after the end") == .failure(.cancelled))
    }
}
