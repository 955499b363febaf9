import Foundation
import Glibc

/// Counts the heap allocations of another process: `Benchmarks/allocations.c`, preloaded into it, adds to a page of memory that
/// this one reads.
final class AllocationCounter {
    /// What the other process must have in its environment.
    let environment: [String]
    private let folder: String
    private let page: UnsafeMutableRawPointer

    // `struct page` and `struct site` of allocations.c.
    private static let sites = 256
    private static let siteBytes = 8 * (3 + 16)
    private static let pageBytes = 24 + sites * siteBytes

    /// Whether there is a compiler, and no sanitizer, which brings an allocator of its own.
    static let isPossible =
        ChildProcess.path(of: "cc") != nil
        && (ProcessInfo.processInfo.environment["OUTRIDER_SANITIZER"] ?? "").isEmpty

    init() throws {
        folder = try ScenarioProxy.makeFolder()
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../Benchmarks/allocations.c").standardized.path
        let built = try ChildProcess.run("cc", ["-O2", "-shared", "-fPIC", "-o", "\(folder)/allocations.so", source])
        guard built?.status == 0 else { throw ScenarioError("cc: \(built?.text ?? "is missing")") }
        environment = ["LD_PRELOAD=\(folder)/allocations.so", "OUTRIDER_ALLOCATIONS=\(folder)/page"]
        let fd = open("\(folder)/page", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(fd) }
        guard fd >= 0, ftruncate(fd, off_t(Self.pageBytes)) == 0,
            let memory = mmap(nil, Self.pageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), memory != MAP_FAILED
        else { throw ScenarioError("no page to share: \(String(cString: strerror(errno)))") }
        page = memory
    }

    deinit {
        munmap(page, Self.pageBytes)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Allocations so far, of all threads.
    var count: Int { page.load(as: Int.self) }

    /// Where allocations come from while `body` runs: how many, and the innermost functions of each place.
    func places(binary: String, during body: () throws -> Void) rethrows -> String {
        page.storeBytes(of: 1, toByteOffset: 8, as: Int.self)
        try body()
        page.storeBytes(of: 0, toByteOffset: 8, as: Int.self)
        let base = page.load(fromByteOffset: 16, as: UInt.self)
        return (0..<Self.sites).compactMap { index -> (count: Int, frames: [UInt])? in
            let site = page + 24 + index * Self.siteBytes
            let (count, depth) = (
                site.load(fromByteOffset: 8, as: Int.self), site.load(fromByteOffset: 16, as: Int.self)
            )
            // Return addresses: the call stands before them.
            return count == 0
                ? nil : (count, (0..<depth).map { site.load(fromByteOffset: 24 + $0 * 8, as: UInt.self) &- base &- 1 })
        }
        .sorted { $0.count > $1.count }
        .prefix(8).map { "\($0.count) × \(Self.names(of: $0.frames, in: binary))" }.joined(separator: "\n")
    }

    private static func names(of frames: [UInt], in binary: String) -> String {
        let addresses = frames.map { String($0, radix: 16) }
        guard let found = try? ChildProcess.run("addr2line", ["-f", "-e", binary] + addresses) else {
            return "\(addresses)"
        }
        let lines = found.text.split(separator: "\n")
        let functions = stride(from: 0, to: lines.count, by: 2).map { String(lines[$0]) }.filter { $0 != "??" }
        let demangled = try? ChildProcess.run("swift-demangle", ["-simplified", "-compact"] + functions)
        return demangled?.text.split(separator: "\n").prefix(6).joined(separator: " ← ")
            ?? functions.joined(separator: " ← ")
    }
}
