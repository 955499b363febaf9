/// What a byte may be in a head: one table of 256 bit sets for all the alphabets of RFC 9110 and RFC 3986 that parsers ask
/// for. Take `table` once per message and index it: the accessor of a global costs a call.
@usableFromInline
package enum ByteClass {
    /// Letters, digits and the marks of a token (RFC 9110 section 5.6.2): methods and field names.
    @inlinable package static var token: UInt8 { 1 }
    /// Any visible ASCII byte: what a request target may hold. Wider than RFC 3986, since clients send quotes, bars, carets
    /// and backslashes, and every proxy of note passes them.
    @inlinable package static var target: UInt8 { 2 }
    /// Visible ASCII, space, tab and bytes from 0x80: what a field value may hold (RFC 9110 section 5.5).
    @inlinable package static var value: UInt8 { 4 }
    /// Host, port and their brackets without userinfo (RFC 3986 section 3.2), sub-delimiters included.
    @inlinable package static var authority: UInt8 { 8 }
    /// Decimal digits.
    @inlinable package static var digit: UInt8 { 16 }

    /// 256 sets, indexed by the byte. Built once, never freed, read by all threads.
    package nonisolated(unsafe) static let table: UnsafePointer<UInt8> = {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        table.initialize(repeating: 0, count: 256)
        for byte in 0x21...0x7E { table[byte] |= target | value }
        for byte in 0x80...0xFF { table[byte] |= value }
        table[0x20] |= value
        table[0x09] |= value
        for range in ["a"..."z", "A"..."Z", "0"..."9"] as [ClosedRange<Unicode.Scalar>] {
            for byte in range.lowerBound.value...range.upperBound.value { table[Int(byte)] |= token | authority }
        }
        for byte in "0123456789".utf8 { table[Int(byte)] |= digit }
        for byte in "!#$%&'*+-.^_`|~".utf8 { table[Int(byte)] |= token }
        for byte in "-._~!$&'()*+,;=:[]%".utf8 { table[Int(byte)] |= authority }
        return UnsafePointer(table)
    }()

    /// Whether every byte belongs to one of the classes.
    package static func all(_ bytes: UnsafeRawBufferPointer, are classes: UInt8) -> Bool {
        let table = table
        for byte in bytes where table[Int(byte)] & classes == 0 { return false }
        return true
    }
}
