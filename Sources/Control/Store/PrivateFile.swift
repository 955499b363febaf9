import Foundation

/// A file that only its owner may read, replaced as a whole: whoever reads it meanwhile has the one before, and so has who reads it
/// after a crash.
enum PrivateFile {
    /// Bytes gather to this size before they are written.
    private static let pieceBytes = 1 << 20

    /// - Parameter fill: gives the contents piece by piece.
    static func replace(_ path: String, _ fill: ((Data) throws -> Void) throws -> Void) throws {
        let temporary = "\(path).\(getpid()).tmp"
        unlink(temporary)
        let fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard fd >= 0 else { throw failure() }
        let handle = FileHandle(fileDescriptor: fd, closeOnDealloc: true)
        do {
            var gathered = Data()
            try fill { piece in
                gathered += piece
                guard gathered.count >= pieceBytes else { return }
                try handle.write(contentsOf: gathered)
                gathered.removeAll(keepingCapacity: true)
            }
            try handle.write(contentsOf: gathered)
            try handle.synchronize()
            try handle.close()
            guard rename(temporary, path) == 0 else { throw failure() }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static func failure() -> any Error {
        NSError(
            domain: NSPOSIXErrorDomain, code: Int(errno),
            userInfo: [NSLocalizedDescriptionKey: String(cString: strerror(errno))])
    }
}
