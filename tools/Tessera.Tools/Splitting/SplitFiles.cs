using System.Buffers;
using Tessera.Datasets.Splitting;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;

namespace Tessera.Tools.Splitting;

/// <summary>Writes the lists of a split: of parts "train.txt", "val.txt"; of folds "fold-0_train.txt", "fold-0_val.txt" …</summary>
internal static class SplitFiles
{
    private static readonly SearchValues<char> s_lineEnds = SearchValues.Create("\r\n\f\v\u0085\u2028\u2029");

    /// <param name="names">What lists call the samples.</param>
    /// <param name="overwrite">Write over lists that say something else.</param>
    /// <returns>Each list's part, and its path.</returns>
    /// <exception cref="UserErrorException">A list is there already, or a name can't stand in one.</exception>
    public static IReadOnlyList<(string Part, string Path)> Write(
        SplitPlan plan,
        bool areFolds,
        IReadOnlyList<string> names,
        string folder,
        bool overwrite
    )
    {
        foreach (var name in names)
            if (name.Trim() != name || name.AsSpan().ContainsAny(s_lineEnds))
                throw new UserErrorException($"\"{name}\" can't stand in a list: it begins or ends with a blank, or holds a line's end.");
        var lists = Lists(plan, areFolds)
            .Select(list =>
                (
                    list.Part,
                    Path: Path.Combine(folder, list.Part + ".txt"),
                    Text: string.Concat(list.Samples.Select(i => names[i]).Distinct().Select(name => name + "\n"))
                )
            )
            .ToArray();
        var other = Array.Find(lists, list => !overwrite && File.Exists(list.Path) && File.ReadAllText(list.Path) != list.Text);
        if (other.Path is not null)
            throw new UserErrorException(
                $"{other.Path} is there already and lists other images: a training may have used it. Choose another --out-dir, or "
                    + "write over it with --overwrite."
            );
        Directory.CreateDirectory(folder.Length == 0 ? "." : folder);
        foreach (var (_, path, text) in lists)
            AtomicFile.WriteText(path, text);
        return [.. lists.Select(list => (list.Part, list.Path))];
    }

    private static IEnumerable<(string Part, int[] Samples)> Lists(SplitPlan plan, bool areFolds)
    {
        for (var part = 0; part < plan.Parts.Count; part++)
        {
            if (!areFolds)
            {
                yield return (plan.Parts[part].Name, plan.IndicesOf(part));
                continue;
            }
            yield return ($"{plan.Parts[part].Name}_train", plan.IndicesOutside(part));
            yield return ($"{plan.Parts[part].Name}_val", plan.IndicesOf(part));
        }
    }
}
