import Glibc
import Regex

/// Syntax of the names that resources use.
enum Names {
    /// A DNS label: 1–63 letters, digits and inner hyphens.
    static func isLabel(_ text: some StringProtocol) -> Bool {
        let bytes = Substring(text).utf8
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 63 else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last) && bytes.allSatisfy { isAlphanumeric($0) || $0 == hyphen }
    }

    /// Labels with dots between, of which the last is no number; a dot may end it.
    static func isFQDN(_ text: some StringProtocol) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 255 else { return false }
        var labels = text.split(separator: ".", omittingEmptySubsequences: false)
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        guard let last = labels.last, !last.utf8.allSatisfy(isDigit) else { return false }
        return labels.allSatisfy { isLabel($0) }
    }

    /// An FQDN whose first label may be `*`, `*label` or `*-label`.
    static func isWildcardDomain(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 255 else { return false }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        var first = parts[0]
        if first.hasPrefix("*") {
            first = first.dropFirst()
            if first.hasPrefix("-") { first = first.dropFirst() }
            guard parts[0] == "*" || isLabel(first) else { return false }
        } else if !isLabel(first) {
            return false
        }
        return parts.count == 1 || isFQDN(parts[1])
    }

    /// `*foo.com`: a wildcard that is part of a label.
    static func isPartialWildcard(_ text: String) -> Bool {
        text.hasPrefix("*") && text != "*" && !text.hasPrefix("*.")
    }

    /// IPv4 or IPv6.
    static func isAddress(_ text: String) -> Bool { isIPv4(text) || isIPv6(text) }

    /// An address, `/` and a number of bits.
    static func isSubnet(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let bits = Int(parts[1]), bits >= 0 else { return false }
        return isIPv4(String(parts[0])) && bits <= 32 || isIPv6(String(parts[0])) && bits <= 128
    }

    private static func isIPv4(_ text: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1
    }

    private static func isIPv6(_ text: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, text, &address) == 1
    }

    /// `unix://` and an absolute path, or an abstract one; not a folder.
    static func isUnixAddress(_ text: String) -> Bool {
        guard text.hasPrefix("unix://") else { return false }
        let path = text.dropFirst(7)
        return (path.hasPrefix("/") || path.hasPrefix("@")) && path.count > 1 && !path.hasSuffix("/")
    }

    /// A token of RFC 9110, section 5.6.2.
    static func isHeaderName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isAlphanumeric($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }

    static func isLabelKey(_ text: String) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.last, !name.isEmpty, isLabelValue(String(name)) else { return false }
        return parts.count == 1 || (parts[0].utf8.count <= 253 && isFQDN(parts[0]))
    }

    static func isLabelValue(_ text: String) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, let last = bytes.last else { return true }
        return bytes.count <= 63 && isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }

    /// Why a regular expression cannot be used; nil: it can.
    static func problem(regex: String) -> String? {
        guard !regex.isEmpty else { return "the regular expression is empty" }
        do {
            _ = try Pattern(regex)
            return nil
        } catch {
            return "the regular expression \(regex.quotedForMessage) cannot be used: \(error.reason)"
        }
    }

    private static let hyphen = UInt8(ascii: "-")

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
    }
}

/// How the hosts of resources contain one another: a leading `*` stands for anything.
enum HostPattern {
    /// Whether some host is meant by both.
    static func overlap(_ left: String, _ right: String) -> Bool {
        switch (left.hasPrefix("*"), right.hasPrefix("*")) {
        case (false, false): left == right
        case (true, false): right.hasSuffix(left.dropFirst())
        case (false, true): left.hasSuffix(right.dropFirst())
        case (true, true): left.hasSuffix(right.dropFirst()) || right.hasSuffix(left.dropFirst())
        }
    }

    /// Whether every host that `inner` means is meant by `outer`.
    static func isSubset(_ inner: String, of outer: String) -> Bool {
        guard outer.hasPrefix("*") else { return inner == outer }
        if inner.hasPrefix("*"), inner.utf8.count < outer.utf8.count { return false }
        return inner.hasSuffix(outer.dropFirst())
    }
}
