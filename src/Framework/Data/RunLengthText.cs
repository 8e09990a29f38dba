using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Tessera.Framework.Data;

/// <summary>
/// COCO's compressed form of a mask: its run lengths as text. From the fourth run on, what is written is the difference to the run two
/// before; each number in groups of five bits, the lowest first, a sixth bit saying that more follow, and 48 added.
/// </summary>
/// <remarks>As pycocotools writes "counts" (github.com/cocodataset/cocoapi, common/maskApi.c).</remarks>
public static class RunLengthText
{
    private const int Bits = 5,
        More = 1 << Bits,
        Sign = 1 << (Bits - 1),
        First = 48,
        MostGroups = 7; // 35 bits: a difference of two lengths below 2^31 has 32

    /// <summary>The text of a mask's runs.</summary>
    public static string Encode(RunLengthMask mask)
    {
        var (runs, text) = (mask.Runs, new StringBuilder());
        for (var i = 0; i < runs.Count; i++)
        {
            var rest = (long)runs[i] - (i > 2 ? runs[i - 2] : 0);
            for (var more = true; more; )
            {
                var group = (int)(rest & (More - 1));
                rest >>= Bits;
                more = (group & Sign) != 0 ? rest != -1 : rest != 0;
                text.Append((char)(First + group + (more ? More : 0)));
            }
        }
        return text.ToString();
    }

    /// <summary>The mask that a text stands for.</summary>
    /// <param name="text">"counts".</param>
    /// <param name="height">Rows, the first number of COCO's "size".</param>
    /// <param name="width">Columns.</param>
    /// <param name="fault">Why it is no mask of such an image.</param>
    public static bool TryDecode(
        string text,
        int height,
        int width,
        [NotNullWhen(true)] out RunLengthMask? mask,
        [NotNullWhen(false)] out string? fault
    )
    {
        mask = null;
        var runs = new List<int>();
        for (var at = 0; at < text.Length; )
        {
            var (value, groups, start) = (0L, 0, at);
            while (true)
            {
                if (at == text.Length || groups == MostGroups)
                {
                    fault =
                        at == text.Length ? "its compressed counts are cut off" : $"a number of more than {MostGroups} groups at {start}";
                    return false;
                }
                var group = text[at] - First;
                if (group is < 0 or >= 2 * More)
                {
                    fault = $"its compressed counts hold \"{text[at]}\" at {at}; characters from \"0\" to \"o\" were expected";
                    return false;
                }
                value |= (long)(group & (More - 1)) << (Bits * groups++);
                at++;
                if ((group & More) != 0)
                    continue;
                if ((group & Sign) != 0)
                    value |= -1L << (Bits * groups);
                break;
            }
            if (runs.Count > 2)
                value += runs[^2];
            if (value is < 0 or > int.MaxValue)
            {
                fault = $"run {runs.Count} is {value}; 0 to {int.MaxValue} is possible";
                return false;
            }
            runs.Add((int)value);
        }
        if (RunLengthMask.Fault(height, width, runs) is { } wrong)
        {
            fault = wrong;
            return false;
        }
        (mask, fault) = (new RunLengthMask(height, width, runs), null);
        return true;
    }
}
