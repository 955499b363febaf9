import ArgumentParser
import HTTP1
import Plan
import Wire

/// A request that is asked about, parsed by the codec that real ones meet.
struct ExplainedRequest {
    let head = Head()
    private let host: String
    private let port: Int

    /// - Parameters:
    ///   - url: `http://HOST[:PORT]/PATH` or `/PATH`.
    ///   - fields: `Name: value`.
    init(method: String, url: String, fields: [String]) throws {
        var authority = ""
        var target = url
        var standard = 80
        for (scheme, port) in [("http://", 80), ("https://", 443)] where url.hasPrefix(scheme) {
            let rest = url.dropFirst(scheme.count)
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            authority = String(rest[..<end])
            target = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/" + rest[end...]
            standard = port
        }
        guard target.hasPrefix("/") || target == "*" else {
            throw ValidationError("\(url) is neither http://HOST/PATH nor /PATH.")
        }
        var text = "\(method) \(target) HTTP/1.1\r\n"
        var named: String?
        var saysProtocol = false
        for field in fields {
            guard let colon = field.firstIndex(of: ":") else { throw ValidationError("-H '\(field)' has no colon.") }
            let name = field[..<colon]
            let value = String(field[field.index(after: colon)...].drop { $0 == " " })
            if name.lowercased() == "host" { named = value }
            if name.lowercased() == "x-forwarded-proto" { saysProtocol = true }
            text += "\(name): \(value)\r\n"
        }
        let spoken = named ?? authority
        guard !spoken.isEmpty else { throw ValidationError("Say a host: http://HOST/PATH, or -H 'Host: …'.") }
        if named == nil { text += "Host: \(authority)\r\n" }
        // The proxy sets it before it decides; one that is given here counts as a trusted proxy's.
        if !saysProtocol { text += "x-forwarded-proto: \(standard == 443 ? "https" : "http")\r\n" }
        text += "\r\n"

        let place = authority.isEmpty ? spoken : authority
        let bytes = Array(place.utf8)
        (host, port) = bytes.withUnsafeBytes { bytes in
            let length = Authority.hostLength(bytes)
            let name = String(decoding: bytes[..<length], as: UTF8.self)
            return (name, Authority.port(bytes).map(Int.init) ?? standard)
        }
        let head = head
        let result = Array(text.utf8).withUnsafeBytes { RequestHead.parse($0, into: head) }
        head.schemeIsHTTPS = standard == 443
        switch result {
        case .complete: break
        case .partial: throw ValidationError("The request is not whole.")
        case .failure(let fault):
            throw ValidationError("Such a request is answered with \(fault.status): \(fault.reason).")
        }
    }

    /// The connection that the request would come in by: with `https` a browser's, which names the host unless it is an address.
    var facts: ConnectionFacts {
        guard head.schemeIsHTTPS else { return ConnectionFacts(application: .http) }
        let isAddress = SocketAddress(host: host, port: 0) != nil || host.hasPrefix("[")
        return ConnectionFacts(
            transport: .tls, serverName: isAddress ? nil : host.lowercased(), alpn: ["h2", "http/1.1"])
    }

    /// The same in words.
    var connection: String {
        guard head.schemeIsHTTPS else { return "plain HTTP" }
        return "TLS \(facts.serverName.map { "for \($0)" } ?? "without a server name")"
    }

    /// The listener that the request would come in by.
    func listener(in plan: Plan, named name: String?) -> Result<ListenerSpec, ListenerMissing> {
        let listeners = plan.listeners
        if let name {
            if let found = listeners.first(where: { $0.name == name }) { return .success(found) }
            return .failure(ListenerMissing("No listener is named \(name); there are: \(Self.names(listeners))."))
        }
        let address = UInt16(exactly: port).flatMap { SocketAddress(host: host, port: $0) }
        let found =
            listeners.first { $0.address == address }
            ?? listeners.first { $0.role != .inbound && Int($0.address.port) == port }
            ?? listeners.first { $0.role != .inbound && $0.servicePort == port && $0.role != .proxyPort }
            ?? listeners.first { $0.role == .proxyPort }
            ?? (listeners.count == 1 ? listeners.first : nil)
        if let found { return .success(found) }
        return .failure(
            ListenerMissing("No listener serves port \(port); name one with --listener: \(Self.names(listeners))."))
    }

    private static func names(_ listeners: [ListenerSpec]) -> String {
        listeners.isEmpty ? "none" : listeners.map(\.name).joined(separator: ", ")
    }
}

/// Which listener was meant cannot be told, in a sentence.
struct ListenerMissing: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
