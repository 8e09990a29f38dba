using System.Numerics;
using System.Runtime.CompilerServices;

namespace Tessera.Models.Detection;

/// <summary>One box in every lane of a vector, to be held against as many others at a time.</summary>
internal readonly struct BoxLanes(float x1, float y1, float x2, float y2)
{
    private readonly Vector<float> _left = new(x1);
    private readonly Vector<float> _top = new(y1);
    private readonly Vector<float> _right = new(x2);
    private readonly Vector<float> _bottom = new(y2);

    /// <summary>The area that the box shares with each of those from <paramref name="i"/> on; 0 where it shares none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<float> Shared(BoxArray boxes, int i)
    {
        var width = Vector.Min(_right, new Vector<float>(boxes.X2, i)) - Vector.Max(_left, new Vector<float>(boxes.X1, i));
        var height = Vector.Min(_bottom, new Vector<float>(boxes.Y2, i)) - Vector.Max(_top, new Vector<float>(boxes.Y1, i));
        return Vector.Max(width, Vector<float>.Zero) * Vector.Max(height, Vector<float>.Zero);
    }
}
