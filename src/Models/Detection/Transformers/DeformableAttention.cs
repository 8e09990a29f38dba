using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Transformers;

/// <summary>What deformable layers look at.</summary>
/// <param name="Values">[B, M, C], the cells of all maps, map after map.</param>
/// <param name="Sizes">Height and width of each map.</param>
internal sealed record Pyramid(Tensor Values, IReadOnlyList<(int Height, int Width)> Sizes);

/// <summary>Each query looks at a few places around its box in every map; it says itself where, and how much they count.</summary>
/// <remarks>Zhu et al., "Deformable DETR", 2020, arXiv:2010.04159, section 4.1; places relative to boxes as in its appendix A.4. Names of
/// parameters are those of its code.</remarks>
internal sealed class DeformableAttention : Module<Tensor, Tensor, Pyramid, Tensor>
{
    private readonly Linear sampling_offsets;
    private readonly Linear attention_weights;
    private readonly Linear value_proj;
    private readonly Linear output_proj;
    private readonly int _heads,
        _levels,
        _points;

    /// <param name="levels">Maps.</param>
    /// <param name="points">Places in each map, for each head.</param>
    public DeformableAttention(int channels, int heads, int levels, int points)
        : base(nameof(DeformableAttention))
    {
        (_heads, _levels, _points) = (heads, levels, points);
        sampling_offsets = Linear(channels, heads * levels * points * 2);
        attention_weights = Linear(channels, heads * levels * points);
        (value_proj, output_proj) = (Linear(channels, channels), Linear(channels, channels));
        RegisterComponents();
        using var _ = no_grad();
        init.zeros_(sampling_offsets.weight!);
        sampling_offsets.bias!.copy_(FirstOffsets());
        init.zeros_(attention_weights.weight!);
        init.zeros_(attention_weights.bias!);
        foreach (var projection in (Linear[])[value_proj, output_proj])
        {
            init.xavier_uniform_(projection.weight!);
            init.zeros_(projection.bias!);
        }
    }

    /// <param name="queries">[B, Q, C].</param>
    /// <param name="boxes">[B, Q, 4], centre and sides, relative; those of the queries.</param>
    /// <returns>[B, Q, C].</returns>
    public override Tensor forward(Tensor queries, Tensor boxes, Pyramid pyramid)
    {
        using var scope = NewDisposeScope();
        var (images, count) = (queries.shape[0], queries.shape[1]);
        var values = value_proj.call(pyramid.Values).view(images, pyramid.Values.shape[1], _heads, -1);
        var offsets = sampling_offsets.call(queries).view(images, count, _heads, _levels, _points, 2);
        var weights = attention_weights.call(queries).view(images, count, _heads, -1).softmax(-1);
        var around = boxes.view(images, count, 1, 1, 1, 4);
        var places = around.narrow(-1, 0, 2) + (offsets * around.narrow(-1, 2, 2) * (0.5 / _points));
        var sums = DeformableSampling.Of(values, pyramid.Sizes, places, weights.view(images, count, _heads, _levels, _points));
        return scope.MoveToOuter(output_proj.call(sums));
    }

    /// <summary>Heads look in directions that are evenly spread, point i at i + 1 steps along them.</summary>
    private Tensor FirstOffsets()
    {
        var offsets = new float[_heads * _levels * _points * 2];
        for (var i = 0; i < offsets.Length / 2; i++)
        {
            var angle = 2 * Math.PI * (i / (_levels * _points)) / _heads;
            var (x, y) = (Math.Cos(angle), Math.Sin(angle));
            var step = ((i % _points) + 1) / Math.Max(Math.Abs(x), Math.Abs(y));
            (offsets[i * 2], offsets[(i * 2) + 1]) = ((float)(x * step), (float)(y * step));
        }
        return tensor(offsets);
    }
}
