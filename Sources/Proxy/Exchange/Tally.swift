import Wire

/// What metrics have to know of an exchange beyond its outcome: the status and messages of a gRPC call, and how much was told of it
/// while it is under way.
struct Tally: BitwiseCopyable {
    // MARK: gRPC

    /// The request is a call.
    private(set) var isGRPC = false
    /// Bytes that pass are told of before the end: a call's, or a connection's.
    private(set) var isWatched = false
    private var answersGRPC = false
    /// Of the trailers, or of the head of an answer without a body; -1: none.
    private(set) var grpcStatus: Int16 = -1
    private(set) var requestMessages = MessageCounter()
    private(set) var responseMessages = MessageCounter()

    // MARK: What was told

    /// When what passed is to be told of, monotonic milliseconds; `.max`: nothing passed since the last time.
    var reportAt = UInt64.max
    var isOpeningCounted = false
    var reportedReceived: UInt64 = 0
    var reportedSent: UInt64 = 0
    var reportedRequestMessages: UInt64 = 0
    var reportedResponseMessages: UInt64 = 0

    // MARK: - Inputs

    /// A request begins.
    mutating func begin(_ head: Head) {
        guard head.has(.contentType), GRPC.isCall(head) else { return }
        isGRPC = true
        isWatched = true
    }

    /// A connection of bytes begins.
    mutating func beginConnection() { isWatched = true }

    mutating func requestData(_ bytes: UnsafeRawBufferPointer) { if isGRPC { requestMessages.add(bytes) } }
    mutating func answerData(_ bytes: UnsafeRawBufferPointer) { if answersGRPC { responseMessages.add(bytes) } }

    /// The head of the answer that the client gets.
    mutating func answer(_ head: Head) {
        guard isGRPC else { return }
        answersGRPC = GRPC.isCall(head)
        noteStatus(head)
    }

    mutating func trailers(_ head: Head) { if isGRPC { noteStatus(head) } }

    private mutating func noteStatus(_ head: Head) {
        guard let value = head.value(of: .grpcStatus) else { return }
        grpcStatus = Self.number(head.bytes(value))
    }

    /// A status in decimal; what is none counts as 2, unknown.
    static func number(_ bytes: UnsafeRawBufferPointer) -> Int16 {
        guard !bytes.isEmpty, bytes.count <= 4 else { return 2 }
        var number: Int16 = 0
        for byte in bytes {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return 2 }
            number = number * 10 + Int16(byte - UInt8(ascii: "0"))
        }
        return number
    }
}
