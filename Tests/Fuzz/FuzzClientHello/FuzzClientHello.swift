import Glibc
import TLS
import Wire

/// libFuzzer's loop. SwiftPM renames a program's `main`, so that libFuzzer's own is never linked and is called from
/// ours.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer,
    _ test: @convention(c) (UnsafeRawPointer, Int) -> CInt
) -> CInt

@main
private enum Program {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        exit(runFuzzer(&count, &arguments, fuzzClientHello))
    }
}

/// Any first bytes are a hello, the start of one, or none, and plain bytes are HTTP or not; an answer that is not
/// `needMore` is the answer to every longer piece too, except that a hello may turn out malformed only while it is
/// incomplete.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzClientHello(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    let (hello, plain) = (ClientHello.inspect(input), PlainBytes.inspect(input))
    if case .hello(let found) = hello { check(found) }
    for length in Set([count / 2, count / 3, max(0, count - 1)]) {
        // A copy of its own, so that the sanitiser sees a read past its end.
        let piece = Array(input.prefix(length))
        let (partial, partialPlain) = piece.withUnsafeBytes { (ClientHello.inspect($0), PlainBytes.inspect($0)) }
        precondition(partial == .needMore || partial == hello, "more bytes do not change an answer")
        precondition(partialPlain == .needMore || partialPlain == plain, "nor this one")
    }
    return 0
}

private func check(_ hello: ClientHello) {
    precondition(hello.serverName.count <= Limits.serverNameBytesMax, "a name is bounded")
    for byte in hello.serverName {
        precondition(byte > 0x20 && byte < 0x7F && !(0x41...0x5A).contains(byte), "a name is visible, in lower case")
    }
    let names = hello.protocols
    precondition(names.allSatisfy { !$0.isEmpty }, "no protocol is empty")
    precondition(names.contains("h2") == hello.offers.contains(.h2), "offers tell what the list holds")
}
