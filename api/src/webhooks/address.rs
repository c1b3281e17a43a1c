//! Which addresses are on the public internet. Only those are sent to, unless an installation allows private ones.
//!
//! After the special-purpose address registries of IANA (RFC 6890 and what was added since), stricter in doubt: what may
//! lead back inside by translation or a tunnel (6to4, Teredo, IPv4 in IPv6) is refused whatever it carries. NAT64 alone is
//! looked into, since networks without IPv4 reach every IPv4 host through it.

use ipnet::{Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// IPv4 networks that are not public.
const SPECIAL_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 0, 8),          // this network: RFC 791
    v4(10, 0, 0, 0, 8),         // private: RFC 1918
    v4(100, 64, 0, 0, 10),      // behind a carrier's NAT: RFC 6598
    v4(127, 0, 0, 0, 8),        // loopback: RFC 1122
    v4(169, 254, 0, 0, 16),     // link-local, where clouds serve credentials: RFC 3927
    v4(172, 16, 0, 0, 12),      // private: RFC 1918
    v4(192, 0, 0, 0, 24),       // protocol assignments: RFC 6890
    v4(192, 0, 2, 0, 24),       // documentation: RFC 5737
    v4(192, 88, 99, 0, 24),     // relays of 6to4, deprecated: RFC 7526
    v4(192, 168, 0, 0, 16),     // private: RFC 1918
    v4(198, 18, 0, 0, 15),      // benchmarking: RFC 2544
    v4(198, 51, 100, 0, 24),    // documentation: RFC 5737
    v4(203, 0, 113, 0, 24),     // documentation: RFC 5737
    v4(224, 0, 0, 0, 4),        // multicast: RFC 5771
    v4(240, 0, 0, 0, 4),        // reserved: RFC 1112
    v4(255, 255, 255, 255, 32), // broadcast: RFC 8190
];

/// Global unicast (RFC 4291). Whatever lies outside is loopback, unique local, link-local, multicast, an embedded IPv4
/// address, or not assigned.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// Networks within [`GLOBAL_V6`] that are not public.
const SPECIAL_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 0, 23), // protocol assignments, Teredo, benchmarking, ORCHID among them: RFC 2928
    v6(0x2001, 0xdb8, 0, 32), // documentation: RFC 3849
    v6(0x2002, 0, 0, 16), // 6to4: RFC 3056
    v6(0x3fff, 0, 0, 20), // documentation: RFC 9637
];

/// Addresses that stand for an IPv4 address, their last 32 bits (RFC 6052).
const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Whether an address is on the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) if NAT64.contains(&address) => is_public_v4(last_32_bits(address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !SPECIAL_V6.iter().any(|net| net.contains(&address))
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|net| net.contains(&address))
}

fn last_32_bits(address: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same as numbers, first to last, written down apart.
    const NAIVE_V4: [(u32, u32); 15] = [
        (0x0000_0000, 0x00ff_ffff),
        (0x0a00_0000, 0x0aff_ffff),
        (0x6440_0000, 0x647f_ffff),
        (0x7f00_0000, 0x7fff_ffff),
        (0xa9fe_0000, 0xa9fe_ffff),
        (0xac10_0000, 0xac1f_ffff),
        (0xc000_0000, 0xc000_00ff),
        (0xc000_0200, 0xc000_02ff),
        (0xc058_6300, 0xc058_63ff),
        (0xc0a8_0000, 0xc0a8_ffff),
        (0xc612_0000, 0xc613_ffff),
        (0xc633_6400, 0xc633_64ff),
        (0xcb00_7100, 0xcb00_71ff),
        (0xe000_0000, 0xefff_ffff),
        (0xf000_0000, 0xffff_ffff),
    ];

    fn naive(bits: u32) -> bool {
        !NAIVE_V4.iter().any(|(first, last)| (*first..=*last).contains(&bits))
    }

    #[track_caller]
    fn check(addresses: &[&str], public: bool) {
        for address in addresses {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn the_public_internet_is_public() {
        check(&["1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.0", "172.15.0.1"], true);
        check(&["172.32.0.0", "192.0.1.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"], true);
        check(&["2606:4700::1111", "2a00:1450::1", "2001:4860::8888", "2003::1", "3fff:1000::1"], true);
        check(&["64:ff9b::8.8.8.8"], true);
    }

    #[test]
    fn what_is_inside_reserved_or_carries_another_address_is_not() {
        check(
            &["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254"],
            false,
        );
        check(
            &["172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1"],
            false,
        );
        check(&["198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1"], false);
        check(&["239.255.255.250", "240.0.0.1", "255.255.255.255"], false);
        check(&["::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:8.8.8.8"], false);
        check(&["64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8"], false);
        check(&["100::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1"], false);
        check(&["2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3fff::1", "5f00::1"], false);
        check(&["fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "fd00:ec2::254"], false);
    }

    proptest! {
        #[test]
        fn every_ipv4_address_is_judged_as_the_list_says(bits: u32) {
            prop_assert_eq!(is_public(Ipv4Addr::from(bits).into()), naive(bits));
        }

        #[test]
        fn the_edges_of_each_network_are_where_the_list_says(place in 0..NAIVE_V4.len(), step in 0..3_u32) {
            let (first, last) = NAIVE_V4[place];
            for bits in [first.wrapping_sub(step), first + step, last - step, last.wrapping_add(step)] {
                prop_assert_eq!(is_public(Ipv4Addr::from(bits).into()), naive(bits));
            }
        }

        #[test]
        fn no_ipv6_address_hides_an_ipv4_address_that_is_not_public(place in 0..NAIVE_V4.len(), offset: u32) {
            let (first, last) = NAIVE_V4[place];
            let inside = u128::from(first + offset % (last - first + 1));
            let mapped = [inside, 0xffff << 32 | inside];
            let nat64 = [0x64_ff9b << 96 | inside];
            let six_to_four = [0x2002 << 112 | inside << 80];
            // Teredo carries the client's address inverted, and its server's as it is.
            let teredo = [0x2001_0000 << 96 | inside << 64, 0x2001_0000 << 96 | (inside ^ 0xffff_ffff)];
            for bits in mapped.into_iter().chain(nat64).chain(six_to_four).chain(teredo) {
                prop_assert!(!is_public(Ipv6Addr::from(bits).into()), "{}", Ipv6Addr::from(bits));
            }
        }

        #[test]
        fn outside_of_global_unicast_only_nat64_is_public(bits: u128) {
            let address = Ipv6Addr::from(bits);
            if bits >> 125 != 1 && bits >> 32 != 0x64_ff9b << 64 {
                prop_assert!(!is_public(address.into()), "{address}");
            }
        }
    }
}
