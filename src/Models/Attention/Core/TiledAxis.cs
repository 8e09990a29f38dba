using static TorchSharp.torch;

namespace Tessera.Models.Attention.Core;

/// <summary>
/// One axis of a grid, cut into tiles of queries; each tile has a run of keys, the tile and its surroundings.
/// </summary>
internal sealed class TiledAxis
{
    private readonly int _length;
    private readonly int _reach;
    private readonly int[] _starts; // each tile's first key, may be negative

    /// <param name="length">Positions.</param>
    /// <param name="reach">Keys on either side of a query.</param>
    /// <param name="tile">Queries of a tile.</param>
    /// <param name="inside">Whether windows are moved inwards at the ends, so that all have 2 * reach + 1 keys.</param>
    /// <param name="ragged">Whether the true length may be one less.</param>
    public TiledAxis(int length, int reach, int tile, bool inside, bool ragged)
    {
        (_length, _reach) = (length, Math.Min(reach, length));
        Tile = Math.Min(tile, length);
        Tiles = (length + Tile - 1) / Tile;
        Slots = Math.Min(Tile + (2 * _reach) + (inside && ragged ? 1 : 0), inside || Tiles == 1 ? length : int.MaxValue);
        _starts = new int[Tiles];
        for (var i = 0; i < Tiles; i++)
            _starts[i] = inside || Tiles == 1 ? Math.Clamp((i * Tile) - _reach - (ragged ? 1 : 0), 0, length - Slots) : (i * Tile) - _reach;
    }

    public int Tile { get; }

    public int Tiles { get; }

    /// <summary>Keys of a tile.</summary>
    public int Slots { get; }

    /// <summary>Whether every tile's keys are simply all positions.</summary>
    public bool IsWhole => Tiles == 1 && Slots == _length;

    /// <summary>Where each tile's keys are taken from, in order; positions outside are moved inside, and are no keys (see
    /// <see cref="Inside"/>).</summary>
    public long[] Sources =>
        [.. _starts.SelectMany(start => Enumerable.Range(start, Slots).Select(key => (long)Math.Clamp(key, 0, _length - 1)))];

    /// <summary>Whether a tile's slot is a position of the axis: [Tiles, Slots].</summary>
    public Tensor Inside =>
        tensor(_starts.SelectMany(start => Enumerable.Range(start, Slots).Select(key => key >= 0 && key < _length)).ToArray())
            .view(Tiles, Slots);

    /// <summary>Whether a query's window holds a slot, by distance alone: the same for every tile, [Tile, Slots].</summary>
    public Tensor Near() => ByDistance(distance => Math.Abs(distance) <= _reach);

    /// <summary>Whether query and slot lie a multiple of the rate apart, [Tile, Slots].</summary>
    public Tensor Congruent(int rate) => ByDistance(distance => distance % rate == 0);

    /// <summary>Whether a query's window, moved inwards at the ends, holds a slot: [lengths, Tiles, Tile, Slots].</summary>
    /// <param name="lengths">True lengths, of each class of residues.</param>
    public Tensor Within(int[] lengths)
    {
        var near = new bool[lengths.Length * Tiles * Tile * Slots];
        var n = 0;
        foreach (var length in lengths)
            for (var tile = 0; tile < Tiles; tile++)
            for (var query = tile * Tile; query < (tile + 1) * Tile; query++)
            {
                var first = Math.Clamp(query - _reach, 0, Math.Max(0, length - (2 * _reach) - 1));
                for (var slot = 0; slot < Slots; slot++, n++)
                {
                    var key = _starts[tile] + slot;
                    near[n] = key >= first && key <= first + (2 * _reach) && key < length;
                }
            }
        return tensor(near).view(lengths.Length, Tiles, Tile, Slots);
    }

    private Tensor ByDistance(Func<int, bool> holds)
    {
        var holding = new bool[Tile * Slots];
        for (var query = 0; query < Tile; query++)
        for (var slot = 0; slot < Slots; slot++)
            holding[(query * Slots) + slot] = holds(_starts[0] + slot - query);
        return tensor(holding).view(Tile, Slots);
    }
}
