import Glibc
import Istio

/// A directory of YAML as it is right now. Sub-folders belong to it, hidden names do not; links are followed, which is how a
/// mounted ConfigMap (`file.yaml → ..data/file.yaml`) is read without meeting its hidden `..data` twice.
package struct ConfigDirectory: Sendable {
    /// One file's bytes, or why there are none.
    package struct File: Sendable {
        /// As messages name it: the directory as it was given, and the path below it.
        package var path: String
        package var content: Content
    }

    package enum Content: Sendable {
        case text(String)
        /// There, but not to be read: a sentence that says why.
        case unreadable(String)
    }

    /// What one look at the directory found.
    package struct Scan: Sendable {
        /// Sorted by path.
        package var files: [File] = []
        package var diagnostics: [Diagnostic] = []
        /// Folders that are part of it, for a watcher.
        package var folders: [String] = []
        /// The directory itself, or a part of it, could not be listed: what is missing here was not deleted.
        package var isIncomplete = false
    }

    /// A file larger than this is not read.
    package static let fileBytesMax = 64 * 1024 * 1024
    /// Files of one directory beyond this number are not read.
    package static let filesMax = 50_000
    /// Folders below folders.
    package static let depthMax = 32

    /// The directory (or single file) as the user named it.
    package let path: String

    package init(path: String) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
    }

    /// Reads everything. Never fails as a whole.
    package func scan() -> Scan {
        var scan = Scan()
        var seen = Set<FileIdentity>()
        var info = stat()
        guard stat(path, &info) == 0 else {
            scan.isIncomplete = true
            scan.diagnostics.append(
                Diagnostic(.error, at: SourceLocation(file: path), "cannot be read: \(Self.reason())"))
            return scan
        }
        if info.st_mode & S_IFMT == S_IFDIR {
            walk(path, depth: 0, seen: &seen, into: &scan)
        } else {
            scan.files.append(File(path: path, content: Self.read(path, bytes: Int(info.st_size))))
        }
        scan.files.sort { $0.path < $1.path }
        return scan
    }

    // MARK: - Walking

    /// Tells a folder apart from itself reached by a link.
    private struct FileIdentity: Hashable {
        var device: UInt
        var inode: UInt
    }

    private func walk(_ folder: String, depth: Int, seen: inout Set<FileIdentity>, into scan: inout Scan) {
        var info = stat()
        guard stat(folder, &info) == 0, let stream = opendir(folder) else {
            scan.isIncomplete = true
            scan.diagnostics.append(
                Diagnostic(.error, at: SourceLocation(file: folder), "cannot be listed: \(Self.reason())"))
            return
        }
        defer { closedir(stream) }
        // A link that leads back up would go round for ever.
        guard seen.insert(FileIdentity(device: UInt(info.st_dev), inode: UInt(info.st_ino))).inserted else { return }
        scan.folders.append(folder)
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        for name in names.sorted() { visit("\(folder)/\(name)", depth: depth, seen: &seen, into: &scan) }
    }

    private func visit(_ path: String, depth: Int, seen: inout Set<FileIdentity>, into scan: inout Scan) {
        var info = stat()
        let isYAML = path.hasSuffix(".yaml") || path.hasSuffix(".yml")
        guard stat(path, &info) == 0 else {
            // Gone since it was listed, or a link that leads nowhere. The latter, when YAML, is worth a word.
            if isYAML { scan.files.append(File(path: path, content: .unreadable("cannot be read: \(Self.reason())"))) }
            return
        }
        switch info.st_mode & S_IFMT {
        case S_IFDIR where depth < Self.depthMax:
            walk(path, depth: depth + 1, seen: &seen, into: &scan)
        case S_IFDIR:
            scan.diagnostics.append(
                Diagnostic(
                    .error, at: SourceLocation(file: path),
                    "is nested deeper than \(Self.depthMax) folders and not read"))
        case S_IFREG where isYAML:
            guard scan.files.count < Self.filesMax else {
                if !scan.isIncomplete {
                    scan.diagnostics.append(
                        Diagnostic(
                            .error, at: SourceLocation(file: path), "is beyond the \(Self.filesMax)th file and not read"
                        ))
                }
                scan.isIncomplete = true
                return
            }
            scan.files.append(File(path: path, content: Self.read(path, bytes: Int(info.st_size))))
        default:
            break  // Other files lie beside configuration; sockets and devices are none.
        }
    }

    // MARK: - Reading

    private static func read(_ path: String, bytes expected: Int) -> Content {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard fd >= 0 else { return .unreadable("cannot be read: \(reason())") }
        defer { close(fd) }
        var bytes: [UInt8] = []
        while true {
            // All at once, and one byte of room in which the end shows.
            let room = max(min(expected, fileBytesMax) + 1 - bytes.count, 64 * 1024)
            var count = 0
            let piece = [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
                count = Glibc.read(fd, buffer.baseAddress, room)
                filled = max(count, 0)
            }
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                return .unreadable("cannot be read: \(reason())")
            }
            if bytes.isEmpty { bytes = piece } else { bytes.append(contentsOf: piece) }
            if bytes.count > fileBytesMax {
                return .unreadable("is larger than \(fileBytesMax >> 20) MiB and not read")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { return .unreadable("is not UTF-8") }
        return .text(text)
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
