import CEventLoop
import Synchronization
import Wire

/// A bound, listening stream socket. It is made once for an address and kept for the process's life; every worker's loop
/// watches the same descriptor (`EventLoop.listen`).
package final class ListeningSocket: Sendable {
    /// The non-blocking descriptor. TCP connections accepted from it send without delay.
    package let fd: Int32
    /// Where it really listens: the kernel's choice when port 0 was asked for.
    package let address: SocketAddress
    /// Whether it came from a parent process, which then owns a Unix socket's file.
    package let isInherited: Bool
    /// The socket file that we made, to remove only that one.
    private let file: (device: UInt64, inode: UInt64)?
    private let isClosed = Atomic<Bool>(false)

    /// Binds and listens. IPv6 sockets take IPv6 only. A Unix socket's file that nobody answers on is replaced.
    package static func bind(
        _ address: SocketAddress, backlog: Int = Limits.listenBacklogMax
    ) throws(LoopError) -> ListeningSocket {
        var raw = outrider_address(address)
        let fd = outrider_listen(&raw, Int32(clamping: backlog))
        guard fd >= 0 else {
            throw LoopError("cannot listen on \(address)", errno: -fd, advice: advice(-fd, address))
        }
        return ListeningSocket(fd: fd, asked: address, isInherited: false)
    }

    /// Takes over a descriptor that already listens; nil when it does not.
    package static func inherit(fd: Int32) -> ListeningSocket? {
        guard outrider_is_listener(fd) == 1, outrider_set_nonblocking_cloexec(fd) == 0,
            let address = Socket.localAddress(fd)
        else { return nil }
        // Accepted sockets inherit it; `bind` sets it as well.
        Socket.setNoDelay(fd)
        return ListeningSocket(fd: fd, asked: address, isInherited: true)
    }

    private init(fd: Int32, asked: SocketAddress, isInherited: Bool) {
        self.fd = fd
        self.isInherited = isInherited
        address = Socket.localAddress(fd) ?? asked
        var identity = outrider_file_id()
        if case .unix(let path) = asked, !isInherited, outrider_file_identity(path, &identity) == 0 {
            file = (identity.device, identity.inode)
        } else {
            file = nil
        }
    }

    deinit { close() }

    /// Stops listening, once; connections that nobody accepted are reset. Removes the Unix socket's file if it is still
    /// ours and not that of a successor.
    package func close() {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var identity = outrider_file_id()
        if case .unix(let path) = address, let file, outrider_file_identity(path, &identity) == 0,
            identity.device == file.device, identity.inode == file.inode
        {
            _ = outrider_unlink(path)
        }
        _ = outrider_close(fd)
    }

    private static func advice(_ code: Int32, _ address: SocketAddress) -> String {
        switch code {
        case outrider_in_use: "stop the program that listens there, or choose another address"
        case outrider_access where address.port > 0 && address.port < 1024:
            "ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher one"
        case outrider_access: "give this user the right to write to the socket's directory"
        case outrider_address_missing: "no interface of this machine has this address"
        case outrider_not_found: "create the socket's directory first"
        case outrider_invalid: "check the address; a socket path holds at most 107 bytes"
        case outrider_too_many_files, outrider_table_full: "raise the limit of open files (ulimit -n)"
        default: "check the address"
        }
    }
}
