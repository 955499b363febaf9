import Testing
import Wire

@Suite struct ByteClassTests {
    private func all(_ text: String, _ classes: UInt8) -> Bool {
        Array(text.utf8).withUnsafeBytes { ByteClass.all($0, are: classes) }
    }

    @Test("the alphabets are those of the standards")
    func alphabets() {
        #expect(all("!#$%&'*+-.^_`|~09azAZ", ByteClass.token))
        for byte in "\"(),/:;<=>?@[\\]{} \t\u{7F}\u{0}é" { #expect(!all(String(byte), ByteClass.token)) }
        #expect(all("é \t~!", ByteClass.value))
        for byte in 0..<UInt8(32) where byte != 9 {
            #expect(!all(String(Character(Unicode.Scalar(byte))), ByteClass.value))
        }
        #expect(!all("\u{7F}", ByteClass.value))
        #expect(!all(" ", ByteClass.target) && !all("é", ByteClass.target) && all("\"<>\\^`{|}", ByteClass.target))
        #expect(all("0123456789", ByteClass.digit) && !all("a", ByteClass.digit))
    }

    @Test("an authority has neither userinfo nor a path")
    func authority() {
        let isValid = { (text: String) in Array(text.utf8).withUnsafeBytes { Authority.isValid($0) } }
        for text in ["", "a.b:80", "[::1]:80", "a,b", "a_b", "%41"] { #expect(isValid(text)) }
        for text in ["u@a", "a/b", "a b", "a\\b", "a?b", "a#b", "é", "a\u{0}"] { #expect(!isValid(text)) }
    }

    @Test("methods are known by their exact bytes")
    func methods() {
        let method = { (text: String) in Array(text.utf8).withUnsafeBytes { Method($0) } }
        let known: [(String, Method)] = [
            ("GET", .get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete), ("CONNECT", .connect),
            ("OPTIONS", .options), ("TRACE", .trace), ("PATCH", .patch),
        ]
        for (text, value) in known {
            #expect(method(text) == value)
            #expect(method(text.lowercased()) == .other)
            #expect(method(String(text.dropLast())) == .other)
        }
        #expect(method("") == .other && method("PROPFIND") == .other)
    }
}
