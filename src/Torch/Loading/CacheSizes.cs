using System.Globalization;
using System.Runtime.Intrinsics.X86;

namespace Tessera.Torch.Loading;

/// <summary>
/// Tells oneDNN the sizes of the processor's caches where a virtual machine hides them.
/// Why it exists: oneDNN 3.7 asks AMD processors by CPUID's leaf 0x8000001D alone. Where a hypervisor leaves that empty, each cache
/// counts as one byte, and oneDNN puts the loops that rearrange tensors into an order that it can't fill up with zeros: convolutions
/// whose channels aren't a multiple of 16 lose channels or read and write memory that isn't theirs, in fp32 and in bf16, without an error
/// (https://github.com/pytorch/pytorch/issues/163347). It can go when libtorch brings a oneDNN that takes such sizes for unknown.
/// </summary>
/// <remarks>
/// oneDNN keeps what it found in one object, whose contents are known to the last word on such a machine: it is searched for in the
/// writable memory of libtorch, and the sizes in it are replaced. Where it isn't found, oneDNN is left out of convolutions and matrix
/// products: convolutions then take twice as long, in bf16 many times. Known on Linux on x64 alone.
/// </remarks>
internal static unsafe class CacheSizes
{
    private const uint CacheLeaf = 0x8000001D,
        FirstLevelLeaf = 0x80000005,
        OtherLevelsLeaf = 0x80000006;

    // The object's words from the sizes on: sizes (10), cores that share (10), levels, AVX10's version, what identifies the processor.
    private const int SharedAt = 10,
        LevelsAt = 20,
        ProcessorAt = 22,
        Words = 29;
    private const uint Levels = 3,
        Megabyte = 1 << 20;

    /// <summary>What was done here; null where the processor tells its caches' sizes.</summary>
    public static string? Note { get; private set; }

    /// <summary>Whether oneDNN is turned off, as it would compute wrongly.</summary>
    public static bool TurnedOneDnnOff { get; private set; }

    /// <summary>Whether oneDNN would take this processor's caches for a byte each.</summary>
    public static bool AreHidden { get; } = OperatingSystem.IsLinux() && X86Base.X64.IsSupported && Hidden(CpuId);

    /// <summary>Replaces the sizes, or turns oneDNN off. Call it when libtorch is loaded and before tensors are computed with.</summary>
    public static void Mend()
    {
        if (!AreHidden)
            return;
        Rearrange();
        var sizes = Sizes(CpuId);
        var found = 0;
        foreach (var (start, bytes) in WritableMemory(File.ReadLines("/proc/self/maps"), "libtorch_cpu.so"))
            found += Replace(new Span<uint>((void*)start, checked((int)(bytes / sizeof(uint)))), Signature(CpuId), sizes);
        TurnedOneDnnOff = found == 0;
        if (TurnedOneDnnOff)
            TurnOff(Exports.EnableOneDnn);
        TurnOff(Exports.EnableNnpack); // refuses such a machine, and would say so at every convolution
        Note =
            "this virtual machine hides the sizes of the processor's caches, for which oneDNN would lose channels of convolutions; "
            + (
                found > 0
                    ? string.Create(CultureInfo.InvariantCulture, $"it was told {sizes[0] >> 10} and {sizes[1] >> 10} kB")
                    : "it is turned off, and convolutions take twice as long, in bf16 many times"
            );
    }

    /// <summary>An AMD processor that says it has the leaf of caches, and leaves it empty.</summary>
    internal static bool Hidden(Func<uint, uint, (uint A, uint B, uint C, uint D)> ask) =>
        ask(0, 0) is (_, 0x68747541, 0x444D4163, 0x69746E65) // "AuthenticAMD"
        && (ask(0x80000000, 0).A < CacheLeaf || ask(CacheLeaf, 0) is (0, 0, 0, 0));

    /// <summary>Bytes of the first, second and third cache of one core, by the leaves that processors had before; oneDNN's own guess where
    /// these are empty, too.</summary>
    internal static uint[] Sizes(Func<uint, uint, (uint A, uint B, uint C, uint D)> ask)
    {
        var first = (ask(FirstLevelLeaf, 0).C >> 24) << 10;
        var second = (ask(OtherLevelsLeaf, 0).C >> 16) << 10;
        // The third is shared by an unknown number of cores.
        return [first is 0 ? 32u << 10 : first, second is 0 ? 512u << 10 : second, Megabyte];
    }

    /// <summary>The object's words on this machine.</summary>
    internal static uint[] Signature(Func<uint, uint, (uint A, uint B, uint C, uint D)> ask)
    {
        var words = new uint[Words];
        for (var level = 0; level < Levels; level++)
            words[level] = words[SharedAt + level] = 1;
        words[LevelsAt] = Levels;
        var version = ask(1, 0).A;
        uint stepping = version & 0xF,
            model = (version >> 4) & 0xF,
            family = (version >> 8) & 0xF,
            higherModel = (version >> 16) & 0xF,
            higherFamily = (version >> 20) & 0xFF;
        uint[] processor =
        [
            model,
            family,
            stepping,
            higherModel,
            higherFamily,
            family == 0xF ? family + higherFamily : family,
            family is 6 or 0xF ? (higherModel << 4) + model : model,
        ];
        processor.CopyTo(words, ProcessorAt);
        return words;
    }

    /// <summary>Writes the sizes into every place that holds the words.</summary>
    /// <returns>How many there were.</returns>
    internal static int Replace(Span<uint> memory, ReadOnlySpan<uint> words, ReadOnlySpan<uint> sizes)
    {
        var found = 0;
        while (memory.IndexOf(words) is >= 0 and var at)
        {
            sizes.CopyTo(memory.Slice(at, sizes.Length));
            memory = memory[(at + words.Length)..];
            found++;
        }
        return found;
    }

    /// <summary>The library's writable memory in a list as /proc/self/maps has it: its own, and what follows without a file
    /// (.bss).</summary>
    internal static IEnumerable<(nint Start, nint Bytes)> WritableMemory(IEnumerable<string> maps, string library)
    {
        var end = (nint)0;
        foreach (var line in maps)
        {
            var fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            var range = fields[0].Split('-');
            var (start, stop) = (Address(range[0]), Address(range[1]));
            var file = fields.Length > 5 ? Path.GetFileName(fields[5]) : "";
            var belongs = file == library || (file.Length == 0 && start == end);
            if (belongs && fields[1].StartsWith("rw", StringComparison.Ordinal))
                yield return (start, stop - start);
            end = belongs ? stop : 0;
        }
    }

    private static nint Address(string text) => nint.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>Makes oneDNN look at the processor: a convolution of 16 channels, which is computed right on any.</summary>
    private static void Rearrange()
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var off = TorchSharp.torch.no_grad();
        var images = TorchSharp.torch.zeros(16, 16, 4, 4);
        _ = TorchSharp.torch.nn.functional.conv2d(images, TorchSharp.torch.zeros(16, 16, 3, 3), strides: [2, 2]);
    }

    private static void TurnOff(string library)
    {
        var context = (delegate* unmanaged<nint>)Exports.Find(Exports.GlobalContext);
        var enable = (delegate* unmanaged<nint, byte, void>)Exports.Find(library);
        if (context != null && enable != null)
            enable(context(), 0);
    }

    private static (uint A, uint B, uint C, uint D) CpuId(uint leaf, uint sub)
    {
        var (a, b, c, d) = X86Base.CpuId(unchecked((int)leaf), unchecked((int)sub));
        return unchecked(((uint)a, (uint)b, (uint)c, (uint)d));
    }
}
