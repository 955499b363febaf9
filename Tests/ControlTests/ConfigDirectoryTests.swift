import Foundation
import Testing

@testable import Control

@Suite("A directory of YAML")
struct ConfigDirectoryTests {
    private func names(_ scan: ConfigDirectory.Scan, in folder: TemporaryFolder) -> [String] {
        scan.files.map { String($0.path.dropFirst(folder.path.count + 1)) }
    }

    @Test("sub-folders belong to it, hidden names and other files do not")
    func tree() throws {
        let folder = try TemporaryFolder()
        for name in ["b.yaml", "a.yml", "sub/deep/c.yaml", ".hidden.yaml", ".git/x.yaml", "README.md", "a.yaml~"] {
            try folder.write(name, "x")
        }
        let scan = ConfigDirectory(path: folder.path + "/").scan()
        #expect(names(scan, in: folder) == ["a.yml", "b.yaml", "sub/deep/c.yaml"])
        #expect(scan.folders.count == 3)
        #expect(!scan.isIncomplete)
    }

    @Test("a mounted ConfigMap is read through its links, once")
    func configMap() throws {
        let folder = try TemporaryFolder()
        try folder.write("..2026_01/a.yaml", "old")
        try folder.write("..2026_02/a.yaml", "new")
        try folder.link("..data", to: "..2026_01")
        try folder.link("a.yaml", to: "..data/a.yaml")
        let directory = ConfigDirectory(path: folder.path)
        #expect(text(directory.scan().files) == ["old"])
        try folder.remove("..data")
        try folder.link("..data", to: "..2026_02")
        #expect(text(directory.scan().files) == ["new"])
    }

    private func text(_ files: [ConfigDirectory.File]) -> [String] {
        files.map { if case .text(let text) = $0.content { text } else { "unreadable" } }
    }

    @Test("links that go round are walked once, links that lead nowhere are told")
    func links() throws {
        let folder = try TemporaryFolder()
        try folder.write("a.yaml", "x")
        try folder.link("loop", to: ".")
        try folder.link("gone.yaml", to: "nowhere")
        let scan = ConfigDirectory(path: folder.path).scan()
        #expect(text(scan.files) == ["x", "unreadable"])
    }

    @Test("a missing directory and bytes that are not UTF-8 are findings, not crashes")
    func unreadable() throws {
        let folder = try TemporaryFolder()
        let missing = ConfigDirectory(path: folder.path + "/missing").scan()
        #expect(missing.isIncomplete)
        #expect(missing.diagnostics.count == 1)
        _ = FileManager.default.createFile(atPath: folder.path + "/a.yaml", contents: Data([0xFF, 0xFE, 0x00]))
        #expect(text(ConfigDirectory(path: folder.path).scan().files) == ["unreadable"])
    }

    @Test("only what changed is decoded again")
    func cache() throws {
        let folder = try TemporaryFolder()
        try folder.write("a.yaml", "service one 1")
        try folder.write("b.yaml", "service two 1")
        let directory = ConfigDirectory(path: folder.path)
        var files = DecodedFiles(decode: Toy.decode)
        #expect(files.update(directory.scan()).count == 2)
        #expect(files.decodedCount == 2)
        _ = files.update(directory.scan())
        #expect(files.decodedCount == 0)
        try folder.write("b.yaml", "service two 2")
        _ = files.update(directory.scan())
        #expect(files.decodedCount == 1)
        try folder.remove("a.yaml")
        #expect(files.update(directory.scan()).count == 1)
    }

    @Test("a burst of changes is one change, after a quiet while or a limit")
    func settling() {
        var settling = Settling()
        #expect(settling.deadline == nil)
        settling.changed(at: 1000)
        settling.changed(at: 1040)
        #expect(settling.deadline == 1090)
        let isEarly = settling.isOver(at: 1089)
        let isLate = settling.isOver(at: 1090)
        #expect(!isEarly && isLate && settling.deadline == nil)
        for step in 0..<20 { settling.changed(at: 2000 + UInt64(step) * 40) }
        #expect(settling.deadline == 2500)
    }
}
