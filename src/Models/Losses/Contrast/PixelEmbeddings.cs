using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Losses.Contrast;

/// <summary>The embeddings of a batch's pixels, made where they are asked for.</summary>
internal sealed class PixelEmbeddings
{
    private readonly Func<Tensor, Tensor>? _embed;
    private readonly Tensor _rows; // [B · h · w, C], a view where the features lie in channels-last order
    private readonly Lazy<long> _dim;

    /// <param name="features">[B, C, h, w].</param>
    /// <param name="embed">Pixels [n, C] to embeddings [n, D]; null where the features are the embeddings.</param>
    public PixelEmbeddings(Tensor features, Func<Tensor, Tensor>? embed)
    {
        (Features, _embed) = (features, embed);
        _rows = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1]);
        _dim = new Lazy<long>(() =>
        {
            using var _ = no_grad();
            using var scope = NewDisposeScope();
            return Embed(_rows.narrow(0, 0, 1)).shape[1];
        });
    }

    public Tensor Features { get; }

    /// <summary>D.</summary>
    public long Dim => _dim.Value;

    /// <summary>The same without gradient.</summary>
    public PixelEmbeddings Detached() => new(Features.detach(), _embed);

    /// <summary>The embeddings of some pixels, [n, D], float32.</summary>
    /// <param name="pixels">Indices into the batch's grid.</param>
    public Tensor At(int[] pixels) => Embed(_rows.index_select(0, tensor(Array.ConvertAll(pixels, pixel => (long)pixel)).to(_rows.device)));

    /// <summary>The mean embedding of every group, [groups, D].</summary>
    public Tensor Means(PixelGroups found)
    {
        var cells = (int)(Features.shape[2] * Features.shape[3]);
        // Pixels are sorted by image, so a group's image is that of its first pixel.
        Tensor[] means =
        [
            .. found.Groups.GroupBy(group => found.Pixels[group.Start] / cells).Select(image => MeansOf(image.Key, [.. image])),
        ];
        return means.Length == 0 ? empty(0, Dim, device: Features.device) : cat(means);

        // Image by image, so that what lies between stays in the cache.
        Tensor MeansOf(int image, PixelGroup[] members)
        {
            using var scope = NewDisposeScope();
            var shares = new float[members.Length * cells];
            for (var row = 0; row < members.Length; row++)
            {
                foreach (var pixel in found.Pixels.AsSpan(members[row].Start, members[row].Count))
                    shares[row * cells + pixel % cells] = 1f / members[row].Count;
            }
            var embeddings = Embed(_rows.narrow(0, (long)image * cells, cells));
            using var full = Autocast.Leave(Features.device_type);
            return scope.MoveToOuter(tensor(shares).view(members.Length, cells).to(Features.device).matmul(embeddings));
        }
    }

    private Tensor Embed(Tensor rows) => (_embed is null ? rows : _embed(rows)).to(ScalarType.Float32);
}
