import Foundation
import Loop
import Testing

@Suite("The directory watcher")
struct DirectoryWatcherTests {
    let loop: EventLoop
    let scratch: Scratch
    let files = FileManager.default
    var root: String { scratch.path + "/config" }

    final class Changes {
        var count = 0
    }

    init() throws {
        loop = try EventLoop()
        scratch = try Scratch()
        try files.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    func watch(_ path: String) throws -> (DirectoryWatcher, Changes) {
        let changes = Changes()
        let watcher = try DirectoryWatcher(root: path) { changes.count += 1 }
        try #require(watcher.attach(to: loop))
        loop.turn(waitMilliseconds: 0)
        changes.count = 0
        return (watcher, changes)
    }

    /// Whether `action` is noticed. inotify queues an event before the call that caused it returns.
    func notices(_ changes: Changes, _ action: () throws -> Void) rethrows -> Bool {
        loop.turn(waitMilliseconds: 0)
        changes.count = 0
        try action()
        loop.turn(waitMilliseconds: 0)
        return changes.count > 0
    }

    func write(_ text: String, _ path: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }

    @Test("files that come, change, move and go are noticed")
    func fileChanges() throws {
        let (watcher, changes) = try watch(root)
        #expect(watcher.shortcoming == nil)
        #expect(try notices(changes) { try write("a", root + "/a.yaml") })
        #expect(try notices(changes) { try write("b", root + "/a.yaml") })
        #expect(try notices(changes) { try files.moveItem(atPath: root + "/a.yaml", toPath: root + "/b.yaml") })
        #expect(try notices(changes) { try files.removeItem(atPath: root + "/b.yaml") })
        #expect(notices(changes) {} == false)
        #expect(try notices(changes) { try write("x", scratch.path + "/beside") } == false, "outside of the tree")
    }

    @Test("folders that appear are watched with all that is in them, and folders that go are let go")
    func folders() throws {
        let (watcher, changes) = try watch(root)
        #expect(watcher.watchCount == 1)
        #expect(
            try notices(changes) {
                try files.createDirectory(atPath: root + "/a/b/c", withIntermediateDirectories: true)
            })
        #expect(watcher.watchCount == 4)
        #expect(try notices(changes) { try write("deep", root + "/a/b/c/deep.yaml") })
        #expect(try notices(changes) { try files.moveItem(atPath: root + "/a", toPath: scratch.path + "/away") })
        #expect(watcher.watchCount == 1)
        loop.turn(waitMilliseconds: 0)
        #expect(try notices(changes) { try write("gone", scratch.path + "/away/b/c/deep.yaml") } == false)
        #expect(try notices(changes) { try files.moveItem(atPath: scratch.path + "/away", toPath: root + "/back") })
        #expect(try notices(changes) { try write("again", root + "/back/b/c/deep.yaml") })
    }

    @Test("a ConfigMap's swap of ..data is noticed, and so is the next one")
    func configMap() throws {
        func publish(_ version: String) throws {
            try files.createDirectory(atPath: root + "/.." + version, withIntermediateDirectories: true)
            try write(version, root + "/.." + version + "/routes.yaml")
            try files.createSymbolicLink(atPath: root + "/..data_tmp", withDestinationPath: ".." + version)
            #expect(rename(root + "/..data_tmp", root + "/..data") == 0)
        }
        try publish("1")
        try files.createSymbolicLink(atPath: root + "/routes.yaml", withDestinationPath: "..data/routes.yaml")
        let (watcher, changes) = try watch(root)
        for version in ["2", "3"] {
            #expect(try notices(changes) { try publish(version) })
            #expect(try notices(changes) { try files.removeItem(atPath: root + "/.." + String(Int(version)! - 1)) })
            #expect(try String(contentsOfFile: root + "/routes.yaml", encoding: .utf8) == version)
            #expect(try notices(changes) { try write(version, root + "/.." + version + "/routes.yaml") })
        }
        #expect(watcher.shortcoming == nil)
    }

    @Test("a linked file outside of the tree is watched, and links in a circle end")
    func links() throws {
        try write("outside", scratch.path + "/outside.yaml")
        try files.createSymbolicLink(atPath: root + "/in.yaml", withDestinationPath: scratch.path + "/outside.yaml")
        try files.createSymbolicLink(atPath: root + "/circle", withDestinationPath: ".")
        let (watcher, changes) = try watch(root)
        #expect(watcher.watchCount == 2)
        let handle = try #require(FileHandle(forWritingAtPath: scratch.path + "/outside.yaml"))
        #expect(try notices(changes) { try handle.write(contentsOf: Data("changed".utf8)) })
        try handle.close()
    }

    @Test("a root that is replaced, or is a link that is swapped, is followed")
    func replacedRoot() throws {
        try files.createDirectory(atPath: scratch.path + "/next", withIntermediateDirectories: true)
        try files.createSymbolicLink(atPath: scratch.path + "/current", withDestinationPath: "config")
        let (watcher, changes) = try watch(scratch.path + "/current/")
        #expect(try notices(changes) { try write("a", root + "/a.yaml") })
        try files.createSymbolicLink(atPath: scratch.path + "/swap", withDestinationPath: "next")
        #expect(notices(changes) { _ = rename(scratch.path + "/swap", scratch.path + "/current") })
        #expect(try notices(changes) { try write("b", scratch.path + "/next/b.yaml") })
        #expect(try notices(changes) { try files.removeItem(atPath: scratch.path + "/current") })
        #expect(watcher.watchCount == 0)
        #expect(
            try notices(changes) {
                try files.createDirectory(atPath: scratch.path + "/current", withIntermediateDirectories: true)
            })
        #expect(try notices(changes) { try write("c", scratch.path + "/current/c.yaml") })
    }

    @Test("a burst of changes is told as few times as it is read")
    func burst() throws {
        let (_, changes) = try watch(root)
        changes.count = 0
        for number in 0..<200 { try write("x", root + "/\(number).yaml") }
        loop.turn(waitMilliseconds: 0)
        #expect(changes.count == 1)
    }
}
