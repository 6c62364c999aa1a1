import Metering
import TestSupport

/// Telegrams as the specifications have them, made up for tests.
enum Telegrams {
    /// DSMR 5.0, three phases, gas and water.
    static let version5 = lines(
        """
        /ISK5\\2M550T-1012

        1-3:0.2.8(50)
        0-0:1.0.0(210314150926W)
        0-0:96.1.1(4530303434303037313331363530363138)
        1-0:1.8.1(001234.567*kWh)
        1-0:1.8.2(002345.678*kWh)
        1-0:2.8.1(000012.345*kWh)
        1-0:2.8.2(000023.456*kWh)
        0-0:96.14.0(0002)
        1-0:1.7.0(00.494*kW)
        1-0:2.7.0(01.250*kW)
        0-0:96.7.21(00004)
        0-0:96.7.9(00002)
        1-0:99.97.0(2)(0-0:96.7.19)(101208152415W)(0000000240*s)(101208151004W)(0000000301*s)
        1-0:32.32.0(00002)
        1-0:52.32.0(00001)
        1-0:72.32.0(00000)
        1-0:32.36.0(00000)
        1-0:52.36.0(00003)
        1-0:72.36.0(00000)
        0-0:96.13.0(303132333435363738393A3B3C3D3E3F)
        1-0:32.7.0(220.1*V)
        1-0:52.7.0(220.2*V)
        1-0:72.7.0(220.3*V)
        1-0:31.7.0(001*A)
        1-0:51.7.0(002*A)
        1-0:71.7.0(003*A)
        1-0:21.7.0(01.111*kW)
        1-0:41.7.0(02.222*kW)
        1-0:61.7.0(03.333*kW)
        1-0:22.7.0(04.444*kW)
        1-0:42.7.0(05.555*kW)
        1-0:62.7.0(06.666*kW)
        0-1:24.1.0(003)
        0-1:96.1.0(3232323241424344313233343536373839)
        0-1:24.2.1(210314150500W)(12785.123*m3)
        0-2:24.1.0(007)
        0-2:96.1.0(3232323241424344313233343536373840)
        0-2:24.2.1(210314150000W)(00872.234*m3)
        !
        """)

    /// DSMR 2.2: no time, no checksum, gas on two lines, its time without a season.
    static let version2 = lines(
        """
        /KMP5 KA6U001234567890

        0-0:96.1.1(4B414C37303034303436333935353037)
        1-0:1.8.1(12345.678*kWh)
        1-0:1.8.2(12346.789*kWh)
        1-0:2.8.1(00001.001*kWh)
        1-0:2.8.2(00002.002*kWh)
        0-0:96.14.0(0001)
        1-0:1.7.0(0001.19*kW)
        1-0:2.7.0(0000.00*kW)
        0-0:17.0.0(0999.00*kW)
        0-0:96.3.10(1)
        0-0:96.13.1()
        0-0:96.13.0()
        0-1:24.1.0(3)
        0-1:96.1.0(3238313031453631373038389930337131)
        0-1:24.3.0(210314150000)(00)(60)(1)(0-1:24.2.1)(m3)
        (00101.328)
        0-1:24.4.0(1)
        !
        """)

    /// e-MUCS: Belgium's version, and gas under its code.
    static let belgian = lines(
        """
        /FLU5\\253769484_A

        0-0:96.1.4(50217)
        0-0:96.1.1(3153414733313031303231363035)
        0-0:1.0.0(200512135409S)
        1-0:1.8.1(000000.034*kWh)
        1-0:1.8.2(000015.758*kWh)
        1-0:2.8.1(000000.000*kWh)
        1-0:2.8.2(000000.011*kWh)
        1-0:1.4.0(02.351*kW)
        1-0:1.6.0(200509134558S)(02.589*kW)
        0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(200501000000S)(200423192538S)(03.695*kW)
        0-0:96.14.0(0001)
        1-0:1.7.0(00.000*kW)
        1-0:2.7.0(00.000*kW)
        1-0:32.7.0(234.7*V)
        0-0:96.3.10(1)
        0-0:17.0.0(999.9*kW)
        1-0:31.4.0(999*A)
        0-0:96.13.0()
        0-1:24.1.0(003)
        0-1:96.1.1(37464C4F32313139303333373333)
        0-1:24.4.0(1)
        0-1:24.2.3(200512134558S)(00112.384*m3)
        0-2:24.1.0(007)
        0-2:96.1.1(3853414731323334353637383930)
        0-2:24.2.1(200512134558S)(00872.234*m3)
        !
        """)

    /// With the ends of lines that meters write, up to and with `!`.
    private static func lines(_ text: String) -> String {
        text.replacing("\n", with: "\r\n")
    }

    /// With its checksum.
    static func whole(_ body: String) -> String {
        let digits = String(CRC16.checksum(of: Array(body.utf8)), radix: 16, uppercase: true)
        return body + String(repeating: "0", count: 4 - digits.count) + digits + "\r\n"
    }

    /// As a device passes it on that splits at `!`.
    static func split(_ body: String, after checksum: String = "9C35") -> String {
        checksum + "\r\n" + body.dropLast()
    }

    /// A small one of a moment.
    static func small(time: String, imported: String = "000001.000", power: String = "00.100")
        -> String
    {
        lines(
            """
            /ISK5\\2M550T-1012

            1-3:0.2.8(50)
            0-0:1.0.0(\(time))
            1-0:1.8.1(\(imported)*kWh)
            1-0:1.7.0(\(power)*kW)
            !
            """)
    }
}

/// A device's message.
func message(_ raw: String, timestamp: String = "1615730966123", type: String = "DATA") -> String {
    // By bytes: a line's end is one character.
    var escaped: [UInt8] = []
    for byte in raw.utf8 {
        switch byte {
        case 0x0D: escaped += Array("\\r".utf8)
        case 0x0A: escaped += Array("\\n".utf8)
        case UInt8(ascii: "\\"), UInt8(ascii: "\""): escaped += [UInt8(ascii: "\\"), byte]
        default: escaped.append(byte)
        }
    }
    let text = String(decoding: escaped, as: UTF8.self)
    return #"{"type":"\#(type)","raw":"\#(text)","timestamp":\#(timestamp)}"#
}

/// What is read from a message, and what was wrong with it.
func read(_ content: String) -> (readings: [Reading], faults: [MessageFault]) {
    read(Array(content.utf8))
}

func read(_ content: [UInt8]) -> (readings: [Reading], faults: [MessageFault]) {
    var reader = MeterMessageReader()
    var readings: [Reading] = []
    var tally = MessageTally()
    reader.read(content, into: &readings, &tally)
    let faults = MessageFault.allCases.flatMap {
        Array(repeating: $0, count: tally.count($0))
    }
    return (readings, faults)
}
