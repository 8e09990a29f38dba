using System.Security.Cryptography;
using System.Text;

namespace Tessera.Framework.Checkpoints.Safetensors;

/// <summary>
/// A hash in a safetensors file over that very file: metadata <c>sha256</c> holds the SHA-256 of the file as it is with
/// those 64 digits replaced by zeros. So every bit counts, and the file can be written in one pass.
/// </summary>
internal static class Seal
{
    public const string Key = "sha256";

    public static readonly string Blank = new('0', 64);

    public static bool Check(FileBytes file, SafetensorsHeader header)
    {
        var start = file.Read(0, header.DataStart, "the header");
        var place = Place(start);
        if (place < 0)
            return false;
        var digits = Encoding.ASCII.GetString(start, place, 64);
        start.AsSpan(place, 64).Fill((byte)'0');

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(start);
        var buffer = new byte[1 << 20];
        for (var offset = header.DataStart; offset < file.Length; )
        {
            var count = file.ReadUpTo(offset, buffer);
            if (count == 0)
                return false;
            hash.AppendData(buffer, 0, count);
            offset += count;
        }
        return digits == Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Where the digits stand in the start of the file; -1 where they don't.</summary>
    public static int Place(ReadOnlySpan<byte> start)
    {
        // A name or a value can't imitate this: inside a JSON string the quotes would be escaped.
        var key = Encoding.ASCII.GetBytes($"\"{Key}\":\"");
        var place = start.IndexOf(key);
        return place < 0 || place + key.Length + 64 > start.Length ? -1 : place + key.Length;
    }
}
