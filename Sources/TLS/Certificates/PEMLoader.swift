import Glibc
import Wire

/// How contexts read their sources unless they are given another way.
package enum PEMLoader {
    /// The source's bytes. Reads regular files up to `Limits.pemBytesMax`. Blocks on the disk: not for workers.
    package static func load(_ source: PEMSource) throws(TLSProblem) -> [UInt8] {
        switch source {
        case .text(_, let text): Array(text.utf8)
        case .file(let path): try read(path, source)
        }
    }

    private static func read(_ path: String, _ source: PEMSource) throws(TLSProblem) -> [UInt8] {
        // Without O_NONBLOCK a pipe by that name would hold us up.
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard fd >= 0 else { throw problem(errno, source) }
        defer { close(fd) }
        var status = stat()
        guard fstat(fd, &status) == 0 else { throw problem(errno, source) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw TLSProblem(.unreadable("it is not a file"), source: source)
        }
        guard status.st_size <= Limits.pemBytesMax else { throw TLSProblem(.tooLarge, source: source) }
        // One byte more, to see the end, or a file that grew.
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size) + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { Glibc.read(fd, $0.baseAddress! + count, $0.count - count) }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw problem(errno, source) }
            guard got > 0 else { break }
            count += got
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    private static func problem(_ code: Int32, _ source: PEMSource) -> TLSProblem {
        if code == ENOENT || code == ENOTDIR { return TLSProblem(.missing, source: source) }
        return TLSProblem(.unreadable(String(cString: strerror(code))), source: source)
    }
}
