import Foundation
import Istio
import Testing

@testable import Control

@Suite("Last good documents on disk")
struct LastGoodTests {
    private let good = """
        apiVersion: v1
        kind: Service
        metadata: {name: one, namespace: n}
        spec: {ports: [{name: http, port: 80}]}
        ---
        # two
        apiVersion: v1
        kind: Service
        metadata: {name: two, namespace: n}
        spec: {ports: [{name: http, port: 81}]}
        """

    private func content(_ text: String) -> ResourceStore.FileContent {
        var files = DecodedFiles()
        return files.update(ConfigDirectory.Scan(files: [.init(path: "a.yaml", content: .text(text))]))[0]
    }

    /// One look as a process makes it: with what an earlier one left, and keeping what is good.
    private func look(_ folder: TemporaryFolder, _ state: TemporaryFolder) -> ResourceStore.State {
        let directory = ConfigDirectory(path: folder.path + "/config")
        var lastGood = LastGood(state: state.path + "/deep/er", directory: folder.path + "/config")
        var files = DecodedFiles()
        let contents = files.update(directory.scan())
        var store = ResourceStore(good: lastGood.load())
        let result = store.apply(contents)
        #expect(lastGood.save(store.good, files: contents) == nil)
        return result
    }

    @Test("a restart equals a reload: what broke meanwhile serves in its last good form, at its old lines")
    func restart() throws {
        let folder = try TemporaryFolder()
        let state = try TemporaryFolder()
        try folder.write("config/a.yaml", good)
        let first = look(folder, state)
        #expect(first.resources.map(\.name) == ["one", "two"])
        try folder.write("config/a.yaml", good.replacingOccurrences(of: "port: 81", with: "port: {"))
        for _ in 0..<2 {
            let second = look(folder, state)
            #expect(second.resources == first.resources)
            #expect(second.resources.last?.location.line == first.resources.last?.location.line)
        }
        try folder.write("config/a.yaml", "# Nothing is left.\n")
        #expect(look(folder, state).resources.isEmpty)
        // What was deleted is not remembered.
        try folder.write("config/a.yaml", good.replacingOccurrences(of: "port: 81", with: "port: {"))
        #expect(look(folder, state).resources.map(\.name) == ["one"])
    }

    @Test("a change anywhere in a long configuration is written down")
    func lateChange() throws {
        let state = try TemporaryFolder()
        var lastGood = LastGood(state: state.path, directory: "/config")
        for port in [81, 82] {
            let text = good.replacingOccurrences(of: "port: 81", with: "port: \(port)")
            let file = content(text)
            var store = ResourceStore()
            _ = store.apply([file])
            #expect(lastGood.save(store.good, files: [file]) == nil)
            #expect(lastGood.load().mapValues(\.resource) == store.good.mapValues(\.resource))
        }
    }

    @Test("a snapshot that is damaged is as good as none")
    func damaged() throws {
        let state = try TemporaryFolder()
        let lastGood = LastGood(state: state.path, directory: "/config")
        for text in [
            "", "{", "{\"resources\":1}",
            "{\"resources\":[{\"kind\":\"Service\",\"namespace\":\"n\",\"name\":\"x\"}],\"path\":\"p\",\"line\":-5,\"text\":\"{\"}",
        ] {
            try state.write((lastGood.file as NSString).lastPathComponent, text)
            #expect(lastGood.load().isEmpty)
        }
    }

    @Test("state that cannot be written is a sentence, not the end")
    func unwritable() {
        var lastGood = LastGood(state: "/proc/nowhere", directory: "/config")
        let file = content(good)
        var store = ResourceStore()
        _ = store.apply([file])
        #expect(lastGood.save(store.good, files: [file])?.hasPrefix("/proc/nowhere/") == true)
    }

    @Test("only its owner may read what was kept, Secrets among it, whatever the umask")
    func mode() throws {
        let state = try TemporaryFolder()
        var lastGood = LastGood(state: state.path, directory: "/config")
        let before = umask(0)
        defer { umask(before) }
        for port in [81, 82] {
            let file = content(good.replacingOccurrences(of: "port: 81", with: "port: \(port)"))
            var store = ResourceStore()
            _ = store.apply([file])
            #expect(lastGood.save(store.good, files: [file]) == nil)
            var info = stat()
            #expect(stat(lastGood.file, &info) == 0 && info.st_mode & 0o777 == 0o600)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: state.path).count == 1)
    }

    @Test("of a List each resource comes back by itself, and the List is kept once")
    func list() throws {
        let state = try TemporaryFolder()
        let items = ["one", "two", "three"].map {
            "{apiVersion: v1, kind: Service, metadata: {name: \($0)}, spec: {ports: [{port: 80}]}}"
        }
        let file = content("apiVersion: v1\nkind: List\nitems:\n" + items.map { "- \($0)\n" }.joined())
        var store = ResourceStore()
        _ = store.apply([file])
        var lastGood = LastGood(state: state.path, directory: "/config")
        #expect(lastGood.save(store.good, files: [file]) == nil)
        #expect(lastGood.load() == store.good)
        #expect(try String(contentsOfFile: lastGood.file, encoding: .utf8).split(separator: "\n").count == 1)
    }
}
