import Glibc
import Loop
import Wire

/// libFuzzer's loop. SwiftPM renames a program's `main`, so that libFuzzer's own is never linked and is called from ours.
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
        exit(runFuzzer(&count, &arguments, fuzzExchange))
    }
}

/// How an input is played, said by its first byte. An input that begins with `P` is played whole and as it is, so that recorded
/// connections, which begin with HTTP/2's preface, need no such byte.
private struct Play {
    /// HTTP/2's preface and empty SETTINGS go ahead.
    var hasPreface = false
    /// The client closes at once when it has said everything; else it ends its half and reads on.
    var closesAtOnce = false
    /// The bytes arrive in small pieces, with turns of the loop between them.
    var isInPieces = false
    /// The client reads nothing before its end.
    var reads = true
    /// The client breaks off before its answers are there.
    var isHasty = false
    var origin = Origin.Manner.plain

    init(_ byte: UInt8) {
        guard byte != UInt8(ascii: "P") else { return }
        hasPreface = byte & 1 != 0
        closesAtOnce = byte & 2 != 0
        isInPieces = byte & 4 != 0
        reads = byte & 8 == 0
        isHasty = byte & 0x80 != 0
        origin = Origin.Manner(rawValue: byte >> 4 & 7) ?? .plain
    }
}

/// libFuzzer's process has one thread that runs this.
nonisolated(unsafe) private let bed = Bed()
private let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0"
private let prefaceBytes = 24 + 9

/// Any bytes are a client of a plain HTTP listener. It is served until it goes; then no request, connection or buffer is left,
/// and the pools' books balance.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzExchange(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    guard count > 0, count <= 1 << 16 else { return 0 }
    let input = UnsafeRawBufferPointer(start: start, count: count)
    let play = Play(input[0])
    var rest = input[0] == UInt8(ascii: "P") ? input[...] : input.dropFirst()
    bed.origin.manner = play.origin
    bed.readsAnswers = play.reads
    let client = bed.connect()
    if play.hasPreface {
        bed.send(client, UnsafeRawBufferPointer(start: preface.utf8Start, count: prefaceBytes))
    }
    let step = play.isInPieces ? max(7, rest.count / 32) : max(rest.count, 1)
    while !rest.isEmpty {
        if !bed.send(client, UnsafeRawBufferPointer(rebasing: rest.prefix(step))) { break }
        rest = rest.dropFirst(step)
        if play.isInPieces { bed.turn(client, 2) }
    }
    bed.turn(client, play.isHasty ? 2 : 12)
    if !play.closesAtOnce {
        Socket.shutdownWrite(client)
        bed.turn(client, 6)
    }
    Socket.close(client)
    bed.settle()
    return 0
}
