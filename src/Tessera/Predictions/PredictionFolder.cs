using Tessera.Framework.Errors;
using Tessera.Framework.Running;

namespace Tessera.Predictions;

/// <summary>Where the predictions of a run lie: in its work dir's folder "predictions", one set of files for each part of the
/// data.</summary>
/// <remarks>
/// <c>val.jsonl</c>: a line about all, a line for each image, a line that ends it. Beside it, of detectors <c>val.boxes.json</c>, in COCO's
/// format of results; of segmentation the folder <c>val.maps</c> of PNGs; of panoptic data <c>val.panoptic.json</c> and the folder
/// <c>val.panoptic</c> of PNGs, in COCO's panoptic format. docs/tools.md has every field.
/// </remarks>
public static class PredictionFolder
{
    /// <summary>The ending of the file that names all others.</summary>
    public const string Ending = ".jsonl";

    private static readonly string[] s_parts = ["test", "val"];

    /// <summary>The folder in a work dir.</summary>
    public static string Of(string workDir) => Path.Combine(workDir, WorkFolder.Predictions);

    /// <summary>The file of a part of the data in a work dir.</summary>
    /// <param name="part">"val" or "test".</param>
    public static string FileOf(string workDir, string part) => Path.Combine(Of(workDir), part + Ending);

    /// <summary>A detector's boxes.</summary>
    /// <param name="file">The part's own file.</param>
    public static string BoxesOf(string file) => Path.ChangeExtension(file, null) + ".boxes.json";

    /// <summary>The folder of maps.</summary>
    /// <param name="file">The part's own file.</param>
    public static string MapsOf(string file) => Path.ChangeExtension(file, null) + ".maps";

    /// <summary>Panoptic results; their PNGs lie in the folder of that name without ".json".</summary>
    /// <param name="file">The part's own file.</param>
    public static string PanopticOf(string file) => Path.ChangeExtension(file, null) + ".panoptic.json";

    /// <summary>The bytes of a map.</summary>
    /// <param name="path">In one of the folders.</param>
    /// <param name="file">The part's own file, which names it.</param>
    /// <exception cref="UserErrorException">There is no such file.</exception>
    internal static byte[] ReadMap(string path, string file) =>
        File.Exists(path)
            ? File.ReadAllBytes(path)
            : throw new UserErrorException($"{path}: there is no such file, which {Path.GetFileName(file)} names.");

    /// <summary>The file of predictions that a path stands for: itself; or that of a work dir, or of the folder in it, for test before that
    /// for val.</summary>
    /// <param name="part">Only of this part.</param>
    /// <returns>null where there is none.</returns>
    public static string? Find(string path, string? part = null)
    {
        if (!Directory.Exists(path))
            return File.Exists(path) && PredictionFile.Is(path) ? path : null;
        string[] parts = part is null ? s_parts : [part];
        return new[] { Of(path), path }
            .SelectMany(folder => parts.Select(name => Path.Combine(folder, name + Ending)))
            .FirstOrDefault(file => File.Exists(file) && PredictionFile.Is(file));
    }
}
