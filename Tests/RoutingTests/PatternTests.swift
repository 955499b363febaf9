import Regex
import Testing

struct PatternTests {
    @Test("A pattern matches the whole text, in linear time")
    func whole() throws {
        let pattern = try Pattern("(a+)+b")
        #expect(pattern.matchesWhole("aab"))
        #expect(!pattern.matchesWhole("aabc"))
        #expect(!pattern.matchesWhole(String(repeating: "a", count: 50_000)))
        #expect(try Pattern("").matchesWhole(""))
    }

    @Test("What is wrong with a pattern is said in words", arguments: ["(", "[a", "a**", "(?=x)", "\\1"])
    func broken(_ source: String) {
        #expect { try Pattern(source) } throws: { !(($0 as? PatternError)?.reason ?? "").isEmpty }
    }

    @Test("A pattern of more than 1024 bytes is refused")
    func long() throws {
        _ = try Pattern(String(repeating: "a", count: 1024))
        #expect(throws: PatternError.self) { try Pattern(String(repeating: "a", count: 1025)) }
    }

    @Test("A replacement may name only groups that exist")
    func rewrites() throws {
        let pattern = try Pattern("^/(a)/(b)")
        #expect(pattern.check(rewrite: "\\2\\1\\0") == nil)
        #expect(pattern.check(rewrite: "\\3") != nil)
        #expect(pattern.check(rewrite: "\\x") != nil)
    }

    @Test("All matches are replaced, empty ones too")
    func replace() throws {
        func replaced(_ source: String, _ text: String, _ rewrite: String) throws -> String {
            let pattern = try Pattern(source)
            let text = Array(text.utf8)
            let rewrite = Array(rewrite.utf8)
            return text.withUnsafeBytes { text in
                rewrite.withUnsafeBytes { rewrite in
                    pattern.handle.replaceAll(in: text, with: rewrite) { String(decoding: $0, as: UTF8.self) }
                }
            }
        }
        #expect(try replaced("b+", "abbab", "[\\0]") == "a[bb]a[b]")
        #expect(try replaced("x*", "ab", "-") == "-a-b-")
        #expect(try replaced("a", "", "b") == "")
    }
}
