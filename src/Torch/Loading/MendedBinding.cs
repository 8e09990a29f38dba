using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Tessera.Torch.Loading;

/// <summary>
/// Why it exists: libLibTorchSharp.so 0.107 asks for one symbol that libstdc++ has only from GCC 13 on, which Debian 12 and Ubuntu 22.04
/// lack.
/// The symbol makes sure that std::cout exists; libtorch has seen to that by then. So a copy of the file is loaded in which the required
/// version is
/// optional (weak) and the symbol is the file's own, at the address of a return instruction. It can go when TorchSharp's library asks for
/// no more than GLIBCXX_3.4.30.
/// </summary>
internal static class MendedBinding
{
    private const string Symbol = "_ZSt21ios_base_library_initv",
        Version = "GLIBCXX_3.4.32";
    private const int DynamicSymbols = 11,
        NeededVersions = 0x6ffffffe,
        ProgramBits = 1; // section types
    private const byte Return = 0xC3;

    public static bool SystemIsNewEnough() =>
        NativeLibrary.TryLoad("libstdc++.so.6", out var library) && NativeLibrary.TryGetExport(library, Symbol, out _);

    /// <summary>Where copies stay from one run to the next; null where the user has no such folder.</summary>
    public static string? CacheFolder()
    {
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathRooted(cache))
            return Path.Combine(cache, "tessera");
        return Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home ? Path.Combine(home, ".cache", "tessera") : null;
    }

    /// <summary>Loads the mended copy of a file, from the cache folder where that can be used, else from a private folder under the
    /// temporary one that is gone afterwards.</summary>
    /// <exception cref="LibTorchException">The file is another one than expected, or no folder can be written.</exception>
    public static nint Load(string file, string? cacheFolder)
    {
        var bytes = File.ReadAllBytes(file);
        var name = $"libLibTorchSharp-{Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]}.so";
        Mend(bytes, file);
        var tried = new List<(string, string)>();
        if (cacheFolder is not null)
        {
            try
            {
                return NativeLibrary.Load(Keep(bytes, cacheFolder, name));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException or BadImageFormatException)
            {
                tried.Add((cacheFolder, LibTorchException.FirstLine(e.Message))); // a folder mounted noexec fails here, too
            }
        }
        try
        {
            var folder = Directory.CreateTempSubdirectory("tessera-").FullName; // readable by this user alone
            try
            {
                var copy = Path.Combine(folder, name);
                File.WriteAllBytes(copy, bytes);
                return NativeLibrary.Load(copy);
            }
            finally
            {
                Directory.Delete(folder, recursive: true); // what is loaded stays in memory
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException or BadImageFormatException)
        {
            tried.Add((Path.GetTempPath(), LibTorchException.FirstLine(e.Message)));
            throw LibTorchException.NoFolder(tried, e);
        }
    }

    /// <summary>The file in the folder, written there unless it is there with just these bytes.</summary>
    private static string Keep(byte[] bytes, string folder, string name)
    {
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, name);
        if (File.Exists(file) && new FileInfo(file).Length == bytes.Length && File.ReadAllBytes(file).AsSpan().SequenceEqual(bytes))
            return file;
        var partial = Path.Combine(folder, $".{name}.{Environment.ProcessId}.tmp");
        try
        {
            File.WriteAllBytes(partial, bytes);
            File.Move(partial, file, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
        return file;
    }

    /// <summary>Changes the bytes of the file in place.</summary>
    internal static void Mend(Span<byte> bytes, string file)
    {
        try
        {
            var elf = new Elf(bytes);
            var text = elf.Sections.First(section => elf.Text(elf.Names, section.Name) == ".text" && section.Type == ProgramBits);
            var at = bytes[(int)text.Offset..(int)(text.Offset + text.Length)].IndexOf(Return);
            if (at < 0)
                throw new InvalidDataException("its code has no return");
            if (!MakeVersionOptional(bytes, elf))
                throw new InvalidDataException($"it does not ask for {Version}");
            if (!MakeSymbolOwn(bytes, elf, text, text.Address + (ulong)at))
                throw new InvalidDataException($"it does not ask for {Symbol}");
        }
        catch (Exception e)
            when (e
                    is InvalidDataException
                        or ArgumentException
                        or InvalidOperationException
                        or OverflowException
                        or IndexOutOfRangeException
            )
        {
            throw LibTorchException.UnknownFile(file, e is InvalidDataException ? e.Message : "its tables are damaged");
        }
    }

    // .gnu.version_r: records of 16 bytes, one a library, each with a chain of 16 bytes, one a version.
    private static bool MakeVersionOptional(Span<byte> bytes, Elf elf)
    {
        const byte weak = 2;
        var done = false;
        foreach (var section in elf.Sections.Where(section => section.Type == NeededVersions))
        {
            for (long library = (long)section.Offset; ; )
            {
                var entry = library + elf.U32(library + 8);
                for (var left = elf.U16(library + 2); left > 0; left--)
                {
                    if (elf.Text(elf.Sections[section.Link], elf.U32(entry + 8)) == Version)
                    {
                        bytes[checked((int)entry + 4)] |= weak;
                        done = true;
                    }
                    entry += elf.U32(entry + 12);
                }
                if (elf.U32(library + 12) is not (> 0 and var next))
                    break;
                library += next;
            }
        }
        return done;
    }

    // .dynsym: 24 bytes each: name, info, visibility, section, value, size.
    private static bool MakeSymbolOwn(Span<byte> bytes, Elf elf, Section text, ulong address)
    {
        const byte hidden = 2;
        var done = false;
        foreach (var section in elf.Sections.Where(section => section.Type == DynamicSymbols))
            for (var at = (long)section.Offset; at + 24 <= (long)(section.Offset + section.Length); at += 24)
            {
                if (elf.Text(elf.Sections[section.Link], elf.U32(at)) != Symbol)
                    continue;
                var symbol = bytes.Slice(checked((int)at), 24);
                symbol[5] = hidden;
                BinaryPrimitives.WriteUInt16LittleEndian(symbol[6..], (ushort)text.Index);
                BinaryPrimitives.WriteUInt64LittleEndian(symbol[8..], address);
                done = true;
            }
        return done;
    }

    private readonly record struct Section(int Index, uint Name, uint Type, ulong Address, ulong Offset, ulong Length, int Link);

    /// <summary>The tables of an ELF file of 64 bits for x86-64, read from a copy of its bytes; what lies outside the file
    /// throws.</summary>
    private sealed class Elf
    {
        private readonly byte[] _bytes;

        public Elf(ReadOnlySpan<byte> bytes)
        {
            _bytes = bytes.ToArray();
            if (!bytes.StartsWith("\u007fELF"u8) || bytes[4] != 2 || bytes[5] != 1 || U16(18) != 62)
                throw new InvalidDataException("it is not an ELF file for x86-64");
            var (table, size, count) = ((long)U64(40), U16(58), U16(60));
            if (size != 64)
                throw new InvalidDataException("its section table is unknown");
            Sections =
            [
                .. Enumerable
                    .Range(0, count)
                    .Select(i =>
                    {
                        var at = table + (long)i * size;
                        var type = U32(at + 4);
                        var (offset, length) = (U64(at + 24), U64(at + 32));
                        const uint noBits = 8;
                        if (type != noBits && (offset > (ulong)_bytes.Length || length > (ulong)_bytes.Length - offset))
                            throw new InvalidDataException("a section lies outside the file");
                        return new Section(i, U32(at), type, U64(at + 16), offset, length, (int)U32(at + 40));
                    }),
            ];
            Names = Sections[U16(62)];
        }

        public IReadOnlyList<Section> Sections { get; }

        public Section Names { get; }

        public ushort U16(long at) => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(checked((int)at)));

        public uint U32(long at) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(checked((int)at)));

        public ulong U64(long at) => BinaryPrimitives.ReadUInt64LittleEndian(_bytes.AsSpan(checked((int)at)));

        public string Text(Section table, uint at)
        {
            var rest = _bytes.AsSpan(checked((int)(table.Offset + at)));
            return Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)0)]);
        }
    }
}
