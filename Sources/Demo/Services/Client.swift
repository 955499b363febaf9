import Foundation
import Wire

/// A small blocking HTTP/1.1 client with keep-alive. With a proxy it sends absolute-form requests there, as programs do that
/// honour `http_proxy`; without one it connects to the URL's host. Threads may share it.
package final class Client: @unchecked Sendable {  // `idle` is guarded by `lock`
    private let proxy: SocketAddress?
    private let waitSeconds: Int
    private let lock = NSLock()
    /// Connections that wait for another request.
    private var idle: [SocketAddress: [Connection]] = [:]

    /// `proxy` is what `http_proxy` says: `http://HOST:PORT`. Waits longer than `waitSeconds` are errors.
    package init(proxy: String? = nil, waitSeconds: Int = 15) throws {
        if let proxy, !proxy.isEmpty {
            let url = try HTTPURL(proxy)
            guard let address = Socket.resolve(url.host, port: url.port) else {
                throw DemoError("The proxy \(proxy) has no address.")
            }
            self.proxy = address
        } else {
            self.proxy = nil
        }
        self.waitSeconds = waitSeconds
    }

    /// Asks for a URL. A kept connection that died meanwhile is replaced by a new one, once.
    package func send(
        _ method: String = "GET", _ text: String, fields: [(name: String, value: String)] = []
    ) throws -> Response {
        let url = try HTTPURL(text)
        guard let address = proxy ?? Socket.resolve(url.host, port: url.port) else {
            throw DemoError("The name \(url.host) has no address.")
        }
        var bytes = "\(method) \(proxy == nil ? url.path : url.absolute) HTTP/1.1\r\nhost: \(url.authority)\r\n"
        for field in fields { bytes += "\(field.name): \(field.value)\r\n" }
        bytes += "\r\n"
        let spelled = Array(method.utf8).withUnsafeBytes { Method($0) }

        if let kept = lock.withLock({ idle[address]?.popLast() }) {
            var answerBegan = false
            do {
                return try exchange(kept, Array(bytes.utf8), spelled, address, &answerBegan)
            } catch  where !answerBegan {}
        }
        var answerBegan = false
        let fresh = Connection(try Socket.connected(to: address, seconds: waitSeconds))
        return try exchange(fresh, Array(bytes.utf8), spelled, address, &answerBegan)
    }

    private func exchange(
        _ connection: Connection, _ bytes: [UInt8], _ method: Method, _ address: SocketAddress,
        _ answerBegan: inout Bool
    ) throws -> Response {
        let (response, persists) = try connection.exchange(bytes, method: method, answerBegan: &answerBegan)
        if persists { lock.withLock { idle[address, default: []].append(connection) } }
        return response
    }
}

/// The parts of an `http://` URL.
struct HTTPURL {
    let host: String
    let port: UInt16
    /// With the query, at least `/`.
    let path: String
    /// As it stands in a Host field.
    let authority: String

    var absolute: String { "http://\(authority)\(path)" }

    init(_ text: String) throws {
        guard text.hasPrefix("http://") else { throw DemoError("\(text) is no http:// URL.") }
        let rest = text.dropFirst(7)
        let slash = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        authority = String(rest[..<slash])
        let target = String(rest[slash...])
        path = target.hasPrefix("/") ? target : "/" + target
        let colon = authority.lastIndex(of: ":")
        if let colon, !authority.hasSuffix("]") {
            guard let number = UInt16(authority[authority.index(after: colon)...]) else {
                throw DemoError("\(text) has a port that is no number.")
            }
            port = number
            host = String(authority[..<colon])
        } else {
            port = 80
            host = authority
        }
        guard !host.isEmpty else { throw DemoError("\(text) names no host.") }
    }
}
