import Foundation
import Loop
import Testing

@Suite("The file watcher")
struct FileWatcherTests {
    let loop: EventLoop
    let scratch: Scratch
    let files = FileManager.default
    var root: String { scratch.path + "/certs" }

    final class Changes {
        var count = 0
    }

    init() throws {
        loop = try EventLoop()
        scratch = try Scratch()
        try files.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    func watch(_ paths: String...) throws -> (FileWatcher, Changes) {
        let changes = Changes()
        let watcher = try FileWatcher { changes.count += 1 }
        try #require(watcher.attach(to: loop))
        #expect(watcher.watch(Set(paths)))
        return (watcher, changes)
    }

    func notices(_ changes: Changes, _ action: () throws -> Void) rethrows -> Bool {
        loop.turn(waitMilliseconds: 0)
        changes.count = 0
        try action()
        loop.turn(waitMilliseconds: 0)
        return changes.count > 0
    }

    func write(_ text: String, _ path: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }

    @Test("a file is noticed when it is written, replaced, deleted and made again; its neighbours are not")
    func course() throws {
        try write("1", root + "/a.pem")
        let (watcher, changes) = try watch(root + "/a.pem")
        #expect(watcher.shortcoming == nil)
        #expect(try notices(changes) { try write("2", root + "/a.pem") })
        #expect(try notices(changes) { try write("3", root + "/b.pem") } == false)
        #expect(notices(changes) { _ = rename(root + "/b.pem", root + "/a.pem") })
        #expect(try notices(changes) { try write("4", root + "/a.pem") })
        #expect(try notices(changes) { try files.removeItem(atPath: root + "/a.pem") })
        #expect(try notices(changes) { try write("5", root + "/a.pem") })
        #expect(!watcher.watch([root + "/a.pem"]))
        #expect(watcher.watch([root + "/c.pem"]))
        #expect(try notices(changes) { try write("6", root + "/a.pem") } == false)
        #expect(try notices(changes) { try write("7", root + "/c.pem") })
    }

    @Test("folders that are missing are waited for, part by part")
    func missing() throws {
        let (_, changes) = try watch(root + "/x/y/a.pem")
        #expect(
            try notices(changes) { try files.createDirectory(atPath: root + "/x", withIntermediateDirectories: true) })
        #expect(
            try notices(changes) { try files.createDirectory(atPath: root + "/x/y", withIntermediateDirectories: true) }
        )
        #expect(try notices(changes) { try write("1", root + "/x/y/a.pem") })
        #expect(try notices(changes) { try files.moveItem(atPath: root + "/x/y", toPath: root + "/away") })
        #expect(try notices(changes) { try files.moveItem(atPath: root + "/away", toPath: root + "/x/y") })
        #expect(try notices(changes) { try write("2", root + "/x/y/a.pem") })
    }

    @Test("links are followed: a swap on the way is noticed, and so is a change where they lead")
    func links() throws {
        func publish(_ version: String) throws {
            let folder = root + "/..\(version)"
            try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try write(version, folder + "/tls.crt")
            try files.createSymbolicLink(atPath: root + "/..data_tmp", withDestinationPath: "..\(version)")
            #expect(rename(root + "/..data_tmp", root + "/..data") == 0)
        }
        try publish("1")
        try files.createSymbolicLink(atPath: root + "/tls.crt", withDestinationPath: "..data/tls.crt")
        try files.createSymbolicLink(atPath: scratch.path + "/link", withDestinationPath: root)
        let (_, changes) = try watch(scratch.path + "/link/tls.crt")
        #expect(try notices(changes) { try publish("2") })
        #expect(try notices(changes) { try publish("3") })
        #expect(try notices(changes) { try write("3b", root + "/..3/tls.crt") })
        #expect(try notices(changes) { try write("old", root + "/..1/tls.crt") } == false)
        // Round and round is no way.
        try files.createSymbolicLink(atPath: root + "/loop", withDestinationPath: "loop")
        let (loops, _) = try watch(root + "/loop")
        #expect(loops.shortcoming == nil)
    }
}
