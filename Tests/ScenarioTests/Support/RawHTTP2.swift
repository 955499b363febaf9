import Foundation
import Glibc

/// An HTTP/2 client that writes the frames that a test says, broken ones too, and reads what comes until the end.
final class RawHTTP2 {
    enum Kind: UInt8 { case data, headers, priority, reset, settings, push, ping, goAway, windowUpdate, continuation }

    let fd: Int32

    /// Connects, and sends the preface and empty SETTINGS.
    init(port: UInt16) throws {
        guard let fd = TestSocket.connect(port: port) else { throw ScenarioError("nobody listens on port \(port)") }
        self.fd = fd
        TestSocket.send(fd, Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.frame(.settings))
    }

    deinit { close(fd) }

    static func frame(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let length = payload.count
        return [UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), kind.rawValue, flags]
            + withUnsafeBytes(of: stream.bigEndian, Array.init) + payload
    }

    /// A GET of `/path` at `host`, in HPACK without a table: indexed method and scheme, literals for the rest.
    static func block(path: String, host: String = "shop.example") -> [UInt8] {
        func literal(_ index: UInt8, _ text: String) -> [UInt8] { [index, UInt8(text.utf8.count)] + Array(text.utf8) }
        return [0x82, 0x86] + literal(0x04, path) + literal(0x01, host)
    }

    /// False: the peer has closed.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool { TestSocket.send(fd, bytes) }

    /// What the peer said until it closed.
    struct Farewell {
        var goAwayCode: UInt32?
        var resets: [UInt32: UInt32] = [:]
        var isClosed = false
    }

    /// Reads until the peer closes, `milliseconds` pass without a byte, or `done`.
    func farewell(milliseconds: Int = 20_000, until done: (Farewell) -> Bool = { _ in false }) -> Farewell {
        TestSocket.limit(fd, milliseconds: milliseconds)
        var result = Farewell()
        var bytes: [UInt8] = []
        var scratch = [UInt8](repeating: 0, count: 65_536)
        while !done(result) {
            let count = recv(fd, &scratch, scratch.count, 0)
            if count <= 0 {
                result.isClosed = count == 0 || errno != EAGAIN
                break
            }
            bytes += scratch[..<count]
            var position = 0
            func number(_ start: Int) -> UInt32 {
                bytes[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
            }
            while bytes.count - position >= 9 {
                let length = Int(bytes[position]) << 16 | Int(bytes[position + 1]) << 8 | Int(bytes[position + 2])
                guard bytes.count - position >= 9 + length else { break }
                let payload = position + 9
                switch Kind(rawValue: bytes[position + 3]) {
                case .goAway where length >= 8: result.goAwayCode = number(payload + 4)
                case .reset where length == 4: result.resets[number(position + 5)] = number(payload)
                default: break
                }
                position = payload + length
            }
            bytes.removeFirst(position)
        }
        return result
    }
}
