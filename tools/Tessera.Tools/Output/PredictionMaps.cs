using Tessera.Datasets.Images;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;

namespace Tessera.Tools.Output;

/// <summary>Predicted segmentation maps as PNGs whose values are class indices, with the classes' colours as palette (above 256 classes: 16
/// bits, grey).</summary>
internal sealed class PredictionMaps
{
    private readonly string _folder;
    private readonly OutputNames _names;
    private readonly byte[] _palette;

    public PredictionMaps(string folder, Dataset dataset)
        : this(folder, [.. Enumerable.Range(0, dataset.Count).Select(i => dataset.Get(i).Name)], dataset.Info) { }

    /// <param name="names">Of all samples that there will be.</param>
    public PredictionMaps(string folder, IReadOnlyCollection<string> names, DataInfo data)
    {
        if (File.Exists(folder))
            throw new UserErrorException($"{folder}: maps are written into a folder, but this is a file.");
        (_folder, _names) = (folder, new OutputNames(names));
        _palette = ClassColors.PaletteBytes(ClassColors.Of(data));
    }

    public void Write(string name, Prediction prediction)
    {
        if (prediction is not SegmentationPrediction { Map: var map })
            throw new UserErrorException($"{name}: the model predicts no segmentation map.");
        Save(Path.Combine(_folder, _names[name] + ".png"), ImageCodec.EncodePng(map, map.Type == PixelType.UInt8 ? _palette : []));
    }

    public static void Save(string path, byte[] png)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        AtomicFile.Write(path, stream => stream.Write(png));
    }
}
