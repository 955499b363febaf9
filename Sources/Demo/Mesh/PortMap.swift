import Foundation
import Glibc

/// Other ports for those that are taken, the same in every file. A port is any number of four or five digits that stands
/// where resources and addresses write ports, so that a Service's port and the URL that names it move together.
package struct PortMap: Codable, Sendable, Equatable {
    private var replacements: [String: String] = [:]

    package init() {}

    package var isEmpty: Bool { replacements.isEmpty }

    /// Finds the ports in `texts` and a free one for each that somebody listens on.
    package init(for texts: [String]) {
        let ports = Set(texts.flatMap(Self.ports)).sorted()
        var used = Set(ports)
        for port in ports where !Self.isFree(port) {
            // A port above the usual ephemeral ones, so that no outgoing connection takes it meanwhile.
            guard let other = (61_000..<65_000).first(where: { !used.contains($0) && Self.isFree($0) }) else {
                continue
            }
            used.insert(other)
            replacements[String(port)] = String(other)
        }
    }

    /// The text with its ports replaced.
    package func applied(to text: String) -> String {
        if isEmpty { return text }
        var result = ""
        var rest = text[...]
        while let match = rest.firstMatch(of: Self.pattern) {
            result += rest[..<match.range.lowerBound]
            result += match.output.1
            result += replacements[String(match.output.2)] ?? String(match.output.2)
            rest = rest[match.range.upperBound...]
        }
        return result + rest
    }

    /// Behind an address or a name with a colon, and behind the field names that hold ports. The digits end there.
    private nonisolated(unsafe) static let pattern =
        /((?:127\.\d+\.\d+\.\d+:|local:|(?:number|port|targetPort|containerPort|proxyHttpPort): ?))(\d{4,5})\b/

    private static func ports(in text: String) -> [Int] { text.matches(of: pattern).compactMap { Int($0.output.2) } }

    /// Whether nobody listens on the port, whatever the address.
    static func isFree(_ port: Int) -> Bool {
        guard let number = UInt16(exactly: port) else { return false }
        return (try? Socket.listening(at: .ipv4(0, port: number))) != nil
    }
}
