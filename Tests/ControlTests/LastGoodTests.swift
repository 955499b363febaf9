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
            let file = ResourceStore.FileContent(
                path: "a.yaml", text: text, decoded: DecodedFiles.read(file: "a.yaml", text: text))
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
            "", "{", "[{\"kind\":1}]",
            "[{\"kind\":\"Service\",\"namespace\":\"n\",\"name\":\"x\",\"path\":\"p\",\"line\":-5,\"text\":\"{\"}]",
        ] {
            try state.write((lastGood.file as NSString).lastPathComponent, text)
            #expect(lastGood.load().isEmpty)
        }
    }

    @Test("state that cannot be written is a sentence, not the end")
    func unwritable() {
        var lastGood = LastGood(state: "/proc/nowhere", directory: "/config")
        let file = ResourceStore.FileContent(
            path: "a.yaml", text: good, decoded: DecodedFiles.read(file: "a.yaml", text: good))
        var store = ResourceStore()
        _ = store.apply([file])
        #expect(lastGood.save(store.good, files: [file])?.hasPrefix("/proc/nowhere/") == true)
    }
}
