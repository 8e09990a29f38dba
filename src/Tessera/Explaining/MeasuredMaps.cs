using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Faithfulness;
using static TorchSharp.torch;

namespace Tessera.Explaining;

/// <summary>Measures the maps of a classifier as they are made.</summary>
internal sealed class MeasuredMaps
{
    private readonly Func<int, FaithfulnessStudy> _begin;
    private FaithfulnessStudy? _study;

    /// <param name="options">How; where unset, the control is as coarse as the first explained layer.</param>
    /// <exception cref="UserErrorException">The model has no probabilities of classes.</exception>
    public MeasuredMaps(VisionModel model, DataTask task, FaithfulnessOptions? options)
    {
        _begin = places => new FaithfulnessStudy(model, task, options ?? new FaithfulnessOptions(ControlGrid: places));
        _begin(1);
    }

    /// <exception cref="UserErrorException">Nothing was measured.</exception>
    public FaithfulnessTable Table => (_study ?? _begin(1)).Table();

    /// <param name="maps">By method, [B, H, W] each, from 0 to 1.</param>
    /// <param name="samples">[B], the truth of the images where it is known.</param>
    public void Add(
        Tensor images,
        ClassTarget target,
        IReadOnlyDictionary<string, Tensor> maps,
        IReadOnlyList<Sample> samples,
        IReadOnlyList<MapLayer> layers
    )
    {
        var (height, width) = ((int)images.shape[2], (int)images.shape[3]);
        bool[]?[] regions = [.. samples.Select((sample, i) => TruthRegion.Of(sample.Truth, target.Classes[i], height, width))];
        _study ??= _begin(Math.Clamp(layers[0].Grid.Height, 1, 256));
        _study.Add(images, target, maps, regions);
    }
}
