using Tessera.Framework.Components;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>Something that gives feature maps: a backbone, or a neck over one. Later parts ask it for their widths.</summary>
public interface IFeatureSource
{
    /// <summary>Channels of each map, in the order they are returned.</summary>
    IReadOnlyList<int> OutChannels { get; }

    /// <summary>Stride of each map relative to the input, in the same order; 0 for a vector [B, C], which has no extent.</summary>
    IReadOnlyList<int> OutStrides { get; }
}

/// <summary>Images to feature maps.</summary>
[ComponentKind("backbone")]
public abstract class Backbone(string name) : nn.Module<Tensor, Tensor[]>(name), IFeatureSource
{
    public abstract IReadOnlyList<int> OutChannels { get; }

    public abstract IReadOnlyList<int> OutStrides { get; }

    /// <summary>Where the first weights come from; random where unset.</summary>
    [FromConfig]
    public Initializer? Init { get; set; }

    /// <summary>Ways to read weights published elsewhere, by name ("timm", "torchvision", "mmlab" …). The module's own names need no
    /// map.</summary>
    public virtual IReadOnlyDictionary<string, KeyMap> KeyMaps => new Dictionary<string, KeyMap>();

    /// <summary>
    /// A stored tensor made to fit this module (positional embeddings of another image size); otherwise the tensor itself.
    /// Loaders call it for every key, after the key map.
    /// </summary>
    /// <param name="key">The module's key.</param>
    public virtual Tensor Fit(string key, Tensor stored) => stored;

    /// <summary>Which options would make foreign weights fit that are another form of this backbone, in a sentence or several; null where
    /// nothing is known. Weights that it speaks of are not loaded.</summary>
    /// <param name="missing">Names of this module that the file lacks.</param>
    /// <param name="unexpected">The file's tensors that have no place here, by name, and their sizes.</param>
    public virtual string? OptionsFor(IReadOnlyCollection<string> missing, IReadOnlyDictionary<string, IReadOnlyList<long>> unexpected) =>
        null;

    /// <summary>Which options weights were trained with whose names and shapes don't tell it, as JSON, where this backbone has others:
    /// they load and predict worse. Null: it has these, or nothing is known.</summary>
    /// <param name="project">Whose names they were read by (see <see cref="KeyMaps"/>); null: by the module's own.</param>
    /// <param name="tensors">All names of the file.</param>
    public virtual string? OptionsOf(string? project, IReadOnlyCollection<string> tensors) => null;

    /// <summary>The tensors that read the image. By default the first convolution's weight; a backbone that begins otherwise says
    /// so.</summary>
    public virtual IReadOnlyList<StemTensor> StemTensors =>
        [
            .. named_parameters()
                .Where(parameter => parameter.parameter.dim() == 4)
                .Take(1)
                .Select(parameter => new StemTensor(parameter.name)),
        ];

    /// <summary>Its stem and its blocks, for layer-wise decay of the learning rate; by default all counts as last.</summary>
    public virtual ParameterLayers LayersByDepth => new([], []);
}

/// <summary>Feature maps to feature maps.</summary>
[ComponentKind("neck")]
public abstract class Neck(string name) : nn.Module<Tensor[], Tensor[]>(name), IFeatureSource
{
    public abstract IReadOnlyList<int> OutChannels { get; }

    public abstract IReadOnlyList<int> OutStrides { get; }
}

/// <summary>Feature maps to logits (or whatever the task model asks of its head).</summary>
[ComponentKind("head")]
public abstract class Head(string name) : nn.Module<Tensor[], Tensor>(name);
