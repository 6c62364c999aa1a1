import Tangle
import Ternary
import TestSupport
import Testing

@Suite struct WalletAddressTests {
    /// Published for these seeds by several libraries, and of the vectors' provider by one more
    /// implementation.
    @Test(arguments: [
        (
            "", "GPB9PBNCJTPGFZ9CCAOPCZBFMBSMMFMARZAKBMJFMTSECEBRWMGLPTYZRAFKUFOGJQVWVUPPABLTTLCIA"
        ),
        (
            "SEED",
            "FJHSSHBZTAKQNDTIKJYCZBOZDGSZANCZSWCNWUOCZXFADNOQSYAHEJPXRLOVPNOQFQXXGEGVDGICLMOXX"
        ),
        (
            "9TCZOETV9QHOPYZGDSVLDNRXSASEZFLJGCHMIWLVZETZPTDMQBNQMXUCVZNGAYXIWIOVXTPBCBELGKZHE",
            "RHNEODILIHMZAJBCOAVQQORZWZBX9TPTBL9MWCMIQUINTTDBJWWXCITUTSS9FYTZVRSQJENUPHREXAKJZ"
        ),
    ])
    func theFirstAddressIsTheOneThatWalletsShow(_ seed: String, _ address: String) throws {
        let seed = try Hash(trytes: Trytes(seed).padded(to: Hash.tryteCount))
        #expect(WalletAddress.first(ofSeed: seed).description == address)
    }
}
