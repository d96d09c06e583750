/// The file systems on which a store is refused.
///
/// Their locks, their shared maps or their syncs are answered by another machine or by a user's
/// program, and nothing in POSIX lets us see whether those keep the promises we build on. Any
/// other kind counts as local: ext4, xfs, btrfs, zfs, tmpfs, overlay and those still to come.
enum RemoteFileSystems {
  /// The values of `f_type` that statfs(2) gives for them.
  static let kinds: Set<UInt32> = [
    0x6969,  // NFS
    0x517B, 0xFF53_4D42, 0xFE53_4D42,  // SMB, CIFS, SMB2
    0x6573_5546,  // FUSE, virtiofs
    0x0102_1997,  // 9P: folders shared into virtual machines and WSL
    0x00C3_6400,  // Ceph
    0x5346_414F, 0x6B41_4653,  // AFS, kAFS
    0x7375_7245,  // Coda
    0x564C,  // NCP
    0x0BD0_0BD0,  // Lustre
    0x4750_4653,  // GPFS
    0x1983_0326,  // BeeGFS
    0x0116_1970,  // GFS2
    0x7461_636F,  // OCFS2
    0x2003_0528,  // OrangeFS
    0xAAD7_AAEA,  // PanFS
    0xBEEF_DEAD,  // StorNext
    0x786F_4256,  // VirtualBox shared folders
    0xBACB_ACBC,  // VMware shared folders
    0x7C7C_6673,  // Parallels shared folders
  ]
}
