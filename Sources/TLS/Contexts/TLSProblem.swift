/// Why a context could not be built: a mistake in a file or a setting, never a peer's.
package struct TLSProblem: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case missing
        /// In the system's words.
        case unreadable(String)
        case tooLarge
        case noCertificate
        case brokenCertificate
        case brokenKey
        case encryptedKey
        case keyMismatch
        case weakKey
        /// Unix seconds.
        case expired(Int64)
        case notYetValid(Int64)
        case noAuthority
        case brokenRevocations
        case minAboveMax
        case noAuthorities
        case noServerCertificate
        case badProtocols
        /// OpenSSL has no memory, or no randomness.
        case exhausted
    }

    package let kind: Kind
    /// The file or text that is at fault; nil where it is a setting.
    package let source: PEMSource?
    /// What the settings belong to, as they call themselves, and `file:line`.
    package let owner: String
    package let origin: String

    package init(_ kind: Kind, source: PEMSource? = nil, owner: String = "", origin: String = "") {
        self.kind = kind
        self.source = source
        self.owner = owner
        self.origin = origin
    }

    /// The same problem, with whose settings it was.
    func of(_ owner: String, _ origin: String) -> TLSProblem {
        TLSProblem(kind, source: source, owner: owner, origin: origin)
    }

    /// What is wrong, in a sentence without a full stop.
    package var sentence: String {
        let place = source.map(\.description) ?? (owner.isEmpty ? "the TLS settings" : owner)
        return switch kind {
        case .missing: "\(place) does not exist"
        case .unreadable(let reason): "\(place) cannot be read: \(reason)"
        case .tooLarge: "\(place) is too large to be PEM text"
        case .noCertificate: "\(place) holds no certificate"
        case .brokenCertificate: "\(place) holds a certificate that cannot be read"
        case .brokenKey: "\(place) holds no private key that can be read"
        case .encryptedKey: "the private key in \(place) is encrypted"
        case .keyMismatch: "the private key in \(place) is not the certificate's"
        case .weakKey: "the certificate in \(place) has a key or a signature that is too weak"
        case .expired(let seconds): "the certificate in \(place) expired on \(UTCDate(seconds))"
        case .notYetValid(let seconds): "the certificate in \(place) is not valid before \(UTCDate(seconds))"
        case .noAuthority: "\(place) holds no certificate of an authority"
        case .brokenRevocations: "\(place) holds no certificate revocation list that can be read"
        case .minAboveMax: "\(place): the lowest TLS version is above the highest"
        case .noAuthorities: "\(place): client certificates are asked for, but no authority is named to verify them"
        case .noServerCertificate: "\(place): no certificate is named"
        case .badProtocols: "\(place): a protocol's name for ALPN is empty or longer than 255 bytes"
        case .exhausted: "\(place): OpenSSL is out of memory"
        }
    }

    /// What to do about it.
    package var fix: String {
        switch kind {
        case .missing: "create it, or correct the path"
        case .unreadable: "let the proxy's user read it"
        case .tooLarge: "name a file with PEM blocks only"
        case .noCertificate, .brokenCertificate: "put the certificate first and its intermediates after it, as PEM"
        case .brokenKey: "put the key there as PEM (PKCS #8, PKCS #1 or SEC 1)"
        case .encryptedKey: "store the key without a password: openssl pkey -in KEY -out KEY"
        case .keyMismatch: "take certificate and key from the same issue"
        case .weakKey: "issue it with RSA of 2048 bits or more, or ECDSA, signed with SHA-256"
        case .expired: "renew it"
        case .notYetValid: "wait, or correct the clock"
        case .noAuthority: "put the authority's certificate there, as PEM"
        case .brokenRevocations: "put the list there as PEM: openssl crl -inform DER -in LIST -out LIST.pem"
        case .minAboveMax: "lower minProtocolVersion or raise maxProtocolVersion"
        case .noAuthorities: "set caCertificates, or a secret with ca.crt"
        case .noServerCertificate: "set serverCertificate and privateKey, or credentialName"
        case .badProtocols: "shorten it"
        case .exhausted: "free memory"
        }
    }
}

/// A time as `2026-11-24 17:00:00 UTC`, for messages.
struct UTCDate: CustomStringConvertible {
    let seconds: Int64

    init(_ seconds: Int64) { self.seconds = seconds }

    /// Days to a date as Howard Hinnant's `civil_from_days` does it.
    var description: String {
        guard seconds > -62_135_596_800, seconds < 253_402_300_800 else { return "an unknown date" }
        let (days, second) = (Int(seconds.flooredDivision(by: 86400)), Int(seconds.flooredRemainder(by: 86400)))
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let day = shifted - era * 146_097
        let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365
        let ordinal = day - (365 * year + year / 4 - year / 100)
        let month = (5 * ordinal + 2) / 153
        let civil = (month: month < 10 ? month + 3 : month - 9, day: ordinal - (153 * month + 2) / 5 + 1)
        let date = "\(year + era * 400 + (civil.month <= 2 ? 1 : 0))-\(padded(civil.month))-\(padded(civil.day))"
        return "\(date) \(padded(second / 3600)):\(padded(second / 60 % 60)):\(padded(second % 60)) UTC"
    }

    private func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

extension Int64 {
    fileprivate func flooredDivision(by divisor: Int64) -> Int64 {
        self / divisor - (self % divisor < 0 ? 1 : 0)
    }
    fileprivate func flooredRemainder(by divisor: Int64) -> Int64 {
        self - flooredDivision(by: divisor) * divisor
    }
}
