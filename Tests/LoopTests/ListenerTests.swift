import Foundation
import Loop
import Synchronization
import Testing
import Wire

/// Accepts all that waits and closes it.
final class Acceptor: EventHandler {
    let accepted: @Sendable () -> Void
    init(_ accepted: @escaping @Sendable () -> Void) {
        self.accepted = accepted
        super.init()
    }

    override func onEvents(_ events: Events) {
        while case .accepted(let fd, _) = Socket.accept(fd) {
            Socket.close(fd)
            accepted()
        }
    }
}

/// A directory that is removed when its owner goes.
final class Scratch: Sendable {
    let path: String
    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("loop-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite("Listeners")
struct ListenerTests {
    @Test("two loops share a listener and every connection is accepted once")
    func shared() throws {
        let listener = try ListeningSocket.bind(try #require(SocketAddress("127.0.0.1:0")))
        defer { listener.close() }
        let loops = [try EventLoop(), try EventLoop()]
        let counter = Counter()
        let threads = try loops.map { loop in
            try Loop.Thread.start(name: "worker") {
                let acceptor = Acceptor {
                    if counter.increment() == 60 { loops.forEach { $0.stop() } }
                }
                guard loop.listen(acceptor, fd: listener.fd) else { return }
                loop.run()
                loop.deregister(acceptor)
            }
        }
        var clients: [Int32] = []
        for _ in 0..<60 {
            switch Socket.connect(listener.address) {
            case .connected(let fd), .inProgress(let fd): clients.append(fd)
            case .failure(let code): Issue.record("connect: \(Errno.text(code))")
            }
        }
        for thread in threads { thread.join() }
        #expect(counter.value == 60)
        for fd in clients { Socket.close(fd) }
    }

    @Test("an address that is taken is refused with a sentence")
    func taken() throws {
        let first = try ListeningSocket.bind(try #require(SocketAddress("127.0.0.1:0")))
        defer { first.close() }
        let error = #expect(throws: LoopError.self) { try ListeningSocket.bind(first.address) }
        #expect(error?.code == Errno.addressInUse)
        #expect(error?.sentence.contains(first.address.description) == true)
        #expect(error?.sentence.contains("choose another address") == true)
    }

    @Test("a Unix socket replaces a dead one's file, not a living one's and no other file")
    func unixFiles() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/s"
        let address = SocketAddress.unix(path)
        let living = try ListeningSocket.bind(address)
        #expect(living.address == address)
        #expect(throws: LoopError.self) { try ListeningSocket.bind(address) }
        // A file that is left behind: the socket is closed through a number that does not know the path.
        let moved = path + ".old"
        try FileManager.default.moveItem(atPath: path, toPath: moved)
        living.close()
        #expect(FileManager.default.fileExists(atPath: moved), "what is no longer ours at that path stays")
        try FileManager.default.moveItem(atPath: moved, toPath: path)
        let successor = try ListeningSocket.bind(address)
        guard case .connected(let client) = Socket.connect(address),
            case .accepted(let server, let peer) = Socket.accept(successor.fd)
        else {
            Issue.record("a Unix connect is done at once")
            return
        }
        #expect(peer == .unix(""))
        sendText("hello", to: client)
        #expect(receiveText(server) == "hello")
        [client, server].forEach { Socket.close($0) }
        successor.close()
        successor.close()
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(FileManager.default.createFile(atPath: path, contents: Data("precious".utf8)))
        #expect(throws: LoopError.self) { try ListeningSocket.bind(address) }
        #expect(FileManager.default.contents(atPath: path) == Data("precious".utf8))
    }

    @Test("a Unix socket whose queue is full fails the connect with EAGAIN")
    func unixBacklog() throws {
        let scratch = try Scratch()
        let listener = try ListeningSocket.bind(.unix(scratch.path + "/s"), backlog: 1)
        defer { listener.close() }
        var clients: [Int32] = []
        var failure: Int32 = 0
        while failure == 0, clients.count < 8 {
            switch Socket.connect(listener.address) {
            case .connected(let fd), .inProgress(let fd): clients.append(fd)
            case .failure(let code): failure = code
            }
        }
        #expect(failure == Errno.again)
        for fd in clients { Socket.close(fd) }
    }

    @Test("paths and addresses that the system cannot have are errors")
    func impossible() throws {
        let long = SocketAddress.unix(String(repeating: "x", count: 200))
        #expect(throws: LoopError.self) { try ListeningSocket.bind(long) }
        guard case .failure(Errno.invalid) = Socket.connect(.unix("")) else {
            Issue.record("an empty path is invalid")
            return
        }
        #expect(throws: LoopError.self) { try ListeningSocket.bind(try #require(SocketAddress("192.0.2.1:0"))) }
    }

    @Test("an inherited socket is used for its address, any other address is bound")
    func inherited() throws {
        let parent = try ListeningSocket.bind(try #require(SocketAddress("127.0.0.1:0")))
        let copy = dup(parent.fd)
        var source = ListenerSource()
        source.adopt(copy..<(copy + 1))
        #expect(source.inherited.count == 1)
        let same = try source.socket(for: parent.address)
        #expect(same.fd == copy)
        #expect(same.isInherited)
        let other = try source.socket(for: try #require(SocketAddress("127.0.0.1:0")))
        #expect(!other.isInherited)
        #expect(source.inherited.isEmpty)
        [parent, same, other].forEach { $0.close() }
    }

    @Test("a process without descriptors turns connections away with its reserve")
    func reserve() throws {
        // A thread with a descriptor table of its own can be filled without harm to the tests beside it.
        let outcome = Counter()
        let limit = System.descriptorLimit
        try Loop.Thread.start(name: "full") {
            guard limit <= 1 << 20, ownDescriptorTable() else {
                outcome.set(-1)
                return
            }
            do {
                let listener = try ListeningSocket.bind(.ipv4(0x7F00_0001, port: 0))
                let reserve = try DescriptorReserve()
                var clients: [Int32] = []
                for _ in 0..<2 {
                    switch Socket.connect(listener.address) {
                    case .connected(let fd), .inProgress(let fd): clients.append(fd)
                    case .failure: outcome.set(-2)
                    }
                }
                while dup(listener.fd) >= 0 {}
                guard case .outOfDescriptors = Socket.accept(listener.fd) else { return outcome.set(-3) }
                let shed = [reserve.shed(listener.fd), reserve.shed(listener.fd), reserve.shed(listener.fd)]
                guard case .outOfDescriptors = Socket.accept(listener.fd) else { return outcome.set(-4) }
                outcome.set(shed == [true, true, false] ? 1 : -5)
            } catch {
                outcome.set(-6)
            }
        }.join()
        // -1: the machine does not let a thread have its own table.
        #expect(outcome.value == 1 || outcome.value == -1)
    }
}

/// Gives the calling thread a descriptor table of its own; false where that is not possible.
private func ownDescriptorTable() -> Bool {
    // unshare(CLONE_FILES): the C module does not show it to Swift.
    guard let symbol = dlsym(nil, "unshare") else { return false }
    return unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)(0x400) == 0
}

/// A number that threads share.
final class Counter: Sendable {
    private let number = Atomic<Int>(0)
    var value: Int { number.load(ordering: .acquiring) }
    func increment() -> Int { number.add(1, ordering: .acquiringAndReleasing).newValue }
    func set(_ value: Int) { number.store(value, ordering: .releasing) }
}
