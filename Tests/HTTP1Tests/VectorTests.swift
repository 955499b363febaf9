import Foundation
import Testing

@Suite struct VectorTests {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    /// Beside the project: vectors from other projects' tests, with the verdicts of five proxies. Skipped where missing.
    private static let shared: URL = {
        var folder = tests.deletingLastPathComponent()
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let file = folder.appendingPathComponent("shared/vectors/http1-requests.jsonl")
            if FileManager.default.fileExists(atPath: file.path) { return file }
        }
        return folder
    }()

    struct Line: CustomStringConvertible {
        var verdict: Conversation.Verdict
        var messages: Int
        var bytes: [UInt8]
        var description: String
    }

    static let own: [Line] = {
        let text =
            (try? String(contentsOf: tests.appendingPathComponent("Vectors/http1-requests.txt"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            let words = parts[0].split(separator: " ")
            guard parts.count == 2, words.count == 2, let messages = Int(words[1]) else { return nil }
            let verdicts: [Substring: Conversation.Verdict] = [
                "accept": .clean, "reject": .refused, "incomplete": .unfinished,
            ]
            guard let verdict = verdicts[words[0]] else { return nil }
            return Line(verdict: verdict, messages: messages, bytes: unescape(parts[1]), description: String(line))
        }
    }()

    private static func unescape(_ text: Substring) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let kind = rest.popFirst() else {
                bytes.append(byte)
                continue
            }
            switch kind {
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "x"):
                bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
                rest = rest.dropFirst(2)
            default: bytes.append(kind)
            }
        }
        return bytes
    }

    @Test("the project's own vectors are read as they say")
    func ownVectors() {
        #expect(Self.own.count > 50)
        for line in Self.own {
            let conversation = Conversation(line.bytes)
            #expect(conversation.verdict == line.verdict && conversation.messages == line.messages, "\(line)")
        }
    }

    @Test("the pieces that vectors arrive in change nothing", arguments: [1, 2, 3, 5, 7, 16, 17, 31])
    func pieces(step: Int) {
        for line in Self.own { #expect(Conversation(line.bytes, step: step) == Conversation(line.bytes), "\(line)") }
    }

    struct Shared: CustomStringConvertible {
        var description: String
        var bytes: [UInt8]
        var expect: String
        var agree: Int
        /// How many requests each peer let through to its origin.
        var atOrigins: [Int]
    }

    static let sharedLines: [Shared] = {
        guard let text = try? String(contentsOf: shared, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").compactMap { line in
            guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let raw = (object["raw"] as? String).flatMap({ Data(base64Encoded: $0) }),
                let expect = object["expect"] as? String, let agree = object["agree"] as? Int,
                let peers = object["peers"] as? [String: [Any]]
            else { return nil }
            return Shared(
                description: object["id"] as? String ?? "", bytes: Array(raw), expect: expect, agree: agree,
                atOrigins: peers.values.map { $0[2] as? Int ?? 0 })
        }
    }()

    @Test("where five proxies meet a verdict, so do we", .enabled(if: !sharedLines.isEmpty))
    func agreed() {
        for line in Self.sharedLines where line.agree == 5 && line.expect != "either" {
            let conversation = Conversation(line.bytes)
            // A verdict is met in several ways: a pipelined second request may be refused, data behind a close is not read.
            #expect(line.atOrigins.contains(conversation.messages), "\(line) \(conversation)")
            if line.expect == "accept" { #expect(conversation.messages > 0, "\(line)") }
        }
    }

    /// Clean requests that another parser refuses by a policy of its own: it knows only some methods, caps a line's length
    /// lower, wants one Content-Type, distrusts underscores or forwarding fields. Their framing is beyond doubt.
    static let policies: Set<String> = [
        "llhttp-req/connection:CRLF between requests, implicit `keep-alive`",
        "llhttp-req/invalid:HTTP protocol and ANNOUNCE method", "llhttp-req/invalid:Invalid method",
        "gunicorn/invalid/006", "gunicorn/invalid/007", "gunicorn/invalid/008", "gunicorn/invalid/010",
        "gunicorn/invalid/011", "gunicorn/invalid/012", "gunicorn/invalid/017", "gunicorn/invalid/019",
        "gunicorn/invalid/040", "gunicorn/invalid/041", "gunicorn/invalid/chunked_07",
        "gunicorn/invalid/limit_header_default_01",
    ]

    @Test("what is unclean never reaches an origin, whatever others do", .enabled(if: !sharedLines.isEmpty))
    func refused() {
        for line in Self.sharedLines where line.expect == "reject" && line.agree < 5 {
            guard !Self.policies.contains(line.description) else { continue }
            #expect(Conversation(line.bytes).messages == 0, "\(line)")
        }
    }

    @Test("the pieces that others' vectors arrive in change nothing", .enabled(if: !sharedLines.isEmpty))
    func sharedPieces() {
        for line in Self.sharedLines where line.bytes.count < 4096 {
            #expect(Conversation(line.bytes, step: 1) == Conversation(line.bytes), "\(line)")
        }
    }
}
