using System.Runtime.InteropServices;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Features;

/// <param name="File">The file of features.</param>
/// <param name="Checkpoint">The weights that the features must have been made with; unset: not looked at.</param>
/// <param name="Config">The config whose data and transforms the features must have been made of; unset: not looked at.</param>
public sealed record FeatureDatasetOptions(string File, string? Checkpoint = null, string? Config = null);

/// <summary>Features that were made ahead of each image, in place of the images: a head trains on them in seconds.</summary>
/// <remarks>A sample is an image of one pixel with as many channels as it has features. Augmentation is lost: each image has one vector,
/// that of the evaluation's transforms. A file that doesn't fit the named checkpoint or config any more is refused.</remarks>
[Component("FeatureDataset")]
public sealed class FeatureDataset : Dataset
{
    private const int BlockValues = 1 << 26;

    private readonly float[][] _blocks;
    private readonly int _rows,
        _width;
    private readonly FeatureInfo _info;
    private readonly string[] _names;
    private readonly long[]? _labels;
    private readonly float[]? _targets;

    /// <exception cref="UserErrorException">The file is none of features, or doesn't fit the checkpoint or the config.</exception>
    public FeatureDataset(FeatureDatasetOptions options)
    {
        using var file = FeatureFile.Open(options.File);
        StaleFeatures.Refuse(file, options.Checkpoint, options.Config);
        (_info, _width, _names) = (file.Info, file.Width, [.. file.Names]);
        (_labels, _targets) = (file.Labels?.ToArray(), file.Targets?.ToArray());
        _rows = Math.Max(1, BlockValues / _width);
        _blocks = new float[(Count + _rows - 1) / _rows][];
        using var scope = NewDisposeScope();
        for (var i = 0; i < _blocks.Length; i++)
            _blocks[i] = file.Features.narrow(0, (long)i * _rows, Math.Min(_rows, Count - (i * _rows))).Values<float>();
        Info = new DataInfo(_info.Classes, _info.Task);
    }

    public override int Count => _names.Length;

    public override DataInfo Info { get; }

    public override Sample Get(int index)
    {
        var row = _blocks[index / _rows].AsSpan(index % _rows * _width, _width);
        var image = new Image(1, 1, _width, PixelType.Float32, MemoryMarshal.AsBytes(row).ToArray());
        var sample = new Sample
        {
            Index = index,
            Name = _names[index],
            Image = new SampleImage(image),
        };
        var classes = Info.Classes.Count;
        if (_labels is not null)
            sample.Truth.Label = (int)_labels[index];
        else if (Info.Task == DataTask.MultiLabel)
            sample.Truth.MultiLabel = _targets.AsSpan(index * classes, classes).ToArray();
        else
            sample.Truth.Targets = _targets.AsSpan(index * classes, classes).ToArray();
        return sample;
    }

    public override int? LabelOf(int index) => (int?)_labels?[index];

    public override IReadOnlyList<int>? LabelsOf(int index)
    {
        if (Info.Task != DataTask.MultiLabel)
            return base.LabelsOf(index);
        var classes = Info.Classes.Count;
        return [.. Enumerable.Range(0, classes).Where(c => _targets![(index * classes) + c] > 0.5f)];
    }

    /// <exception cref="UserErrorException">There is a pipeline.</exception>
    public override IReadOnlyList<string> Check(Action<int, int>? advance = null)
    {
        if (Pipeline.Count > 0)
            throw new UserErrorException("FeatureDataset takes no pipeline: features are no images. Leave it out.");
        return
        [
            .. base.Check(advance),
            $"{Count} vectors of {_width} numbers, made with {_info.Checkpoint} of the part {_info.Part}: there is no augmentation, each "
                + $"image is the same in every epoch.",
        ];
    }
}
